"""Locations: the default one, and what their status counts."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.scheduling.ground import BINDINGS, WORKSPACES, Ground, Space, eventually, gone

from headwater.apis.placement.v1alpha1.location import LOCATIONS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.objects import Object, annotations, nested, uid
from headwater.machinery.timestamps import format_time

EXPORT_NAME = ("spec", "reference", "export", "name")


async def counts(space: Space, name: str, instances: int, available: int) -> Object:
    """Wait for the counts of a Location."""

    def counted(location: Object) -> bool:
        status = location["status"]
        return (status.get("instances"), status.get("availableInstances")) == (instances, available)

    return await eventually(lambda: space.resource(LOCATIONS).get(name), counted)


async def test_default_location_is_made_and_made_again(ground: Ground) -> None:
    """It comes with the first SyncTarget, comes back when deleted, and is left alone otherwise."""
    space = await ground.workspace("west", compute=False)
    locations = space.resource(LOCATIONS)
    assert (await locations.list())["items"] == []
    await space.target("one", ready=False)
    made = await counts(space, "default", 1, 0)
    assert made["spec"]["instanceSelector"] == {}
    await locations.patch("default", {"spec": {"description": "mine"}})
    await space.target("two", ready=False)
    kept = await counts(space, "default", 2, 0)
    assert (kept["spec"]["description"], uid(kept)) == ("mine", uid(made))
    await locations.delete("default")
    again = await counts(space, "default", 2, 0)
    assert uid(again) != uid(made)
    for name in ("one", "two"):
        await space.resource(SYNC_TARGETS).delete(name)
    await counts(space, "default", 0, 0)
    await locations.delete("default")
    await gone(lambda: locations.get("default"))


async def test_default_location_when_the_api_is_bound_later(ground: Ground) -> None:
    """A SyncTarget may be there long before its workspace has Locations."""
    space = await ground.workspace("west", compute=False)
    bindings = (await space.resource(BINDINGS).list())["items"]
    placement = next(each for each in bindings if nested(each, *EXPORT_NAME) == "placement.kcp.io")
    await space.resource(BINDINGS).delete(placement["metadata"]["name"])
    await gone(lambda: space.resource(BINDINGS).get(placement["metadata"]["name"]))
    await space.target("one", ready=False)
    await space.condition(SYNC_TARGETS, "one", "Ready", "False")
    await ground.skip(3600)
    await space.bind("root", "placement.kcp.io")
    await counts(space, "default", 1, 0)


async def test_counts_and_readiness(ground: Ground) -> None:
    """Instances are the selected ones; available those that are ready, not cordoned and not drained."""
    space = await ground.workspace("west", compute=False)
    await space.location("both", {"matchExpressions": [{"key": "name", "operator": "In", "values": ["one", "two"]}]})
    await space.condition(LOCATIONS, "both", "LocationReady", "False", "NoInstances")
    for name in ("one", "three"):
        await space.target(name)
    await space.target("two", ready=False)
    await counts(space, "both", 2, 1)
    await space.condition(LOCATIONS, "both", "LocationReady", "True")
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"unschedulable": True}})
    await counts(space, "both", 2, 0)
    await space.condition(LOCATIONS, "both", "LocationReady", "False", "NoAvailableInstances", "none of 2")
    soon = format_time(ground.clock.now())
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"unschedulable": False, "evictAfter": soon}})
    await counts(space, "both", 2, 0)
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": None}})
    await counts(space, "both", 2, 1)


async def test_a_target_that_goes_from_one_location_to_another(ground: Ground) -> None:
    """Both Locations hear of it, and of its end, whatever the selectors of others are."""
    space = await ground.workspace("west", compute=False)
    for color in ("red", "blue"):
        await space.location(color, {"matchLabels": {"color": color}})
    await space.location("broken", {"matchExpressions": [{"key": "color", "operator": "In", "values": []}]})
    await space.target("one")
    targets = space.resource(SYNC_TARGETS)
    for now, before in (("red", "blue"), ("blue", "red")):
        await targets.patch("one", {"metadata": {"labels": {"color": now}}})
        await counts(space, now, 1, 1)
        await counts(space, before, 0, 0)
    await space.resource(LOCATIONS).patch("red", {"spec": {"instanceSelector": {"matchLabels": {"color": "blue"}}}})
    await counts(space, "red", 1, 1)
    await targets.delete("one")
    await counts(space, "red", 0, 0)
    await counts(space, "blue", 0, 0)


async def test_a_drain_that_begins_later_is_counted_when_it_begins(ground: Ground) -> None:
    space = await ground.workspace("west", compute=False)
    await space.target("one")
    when = format_time(ground.clock.now() + timedelta(seconds=50))
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": when}})
    await counts(space, "default", 1, 1)
    await ground.skip(51)
    await counts(space, "default", 1, 0)


async def test_labels_are_shown_and_a_bad_selector_is_said(ground: Ground) -> None:
    space = await ground.workspace("west", compute=False)
    await space.target("one")
    await space.location("east", region="east", tier="gold")
    locations = space.resource(LOCATIONS)
    shown = "scheduling.kcp.io/labels"
    await eventually(lambda: locations.get("east"), lambda obj: annotations(obj).get(shown) == "region=east tier=gold")
    await locations.patch("east", {"metadata": {"labels": {"region": None, "tier": None}}})
    await eventually(lambda: locations.get("east"), lambda obj: shown not in annotations(obj))
    await counts(space, "east", 1, 1)
    wrong = {"matchExpressions": [{"key": "name", "operator": "In"}]}
    await locations.patch("east", {"spec": {"instanceSelector": wrong}})
    await space.condition(LOCATIONS, "east", "LocationReady", "False", "InvalidSelector")


async def test_a_workspace_with_a_target_can_be_deleted(ground: Ground) -> None:
    """The default Location does not come back while its workspace goes away."""
    space = await ground.workspace("west", compute=False)
    await space.target("one")
    await counts(space, "default", 1, 1)
    workspaces = ground.client.cluster("root").resource(WORKSPACES)
    await workspaces.delete("west")
    await gone(lambda: workspaces.get("west"))
