"""Placements: phase, conditions with their reasons, and the SyncTargets that they come to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.integration.scheduling.ground import (
    EXPORTS,
    NAMESPACES,
    SCHEMAS,
    WORKSPACES,
    Ground,
    Space,
    eventually,
    gone,
    states,
)
from tests.integration.scheduling.test_synctargets import export, schema

from headwater.apis.placement.v1alpha1.location import LOCATIONS
from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.objects import Object, annotations
from headwater.machinery.timestamps import format_time

TARGETS = "internal.workload.kcp.io/synctarget"
BAD_SELECTOR = {"matchExpressions": [{"key": "name", "operator": "In"}]}


def in_seconds(ground: Ground, seconds: float) -> str:
    return format_time(ground.clock.now() + timedelta(seconds=seconds))


async def test_from_pending_to_bound_and_back(ground: Ground) -> None:
    """No location, a location without use, a namespace that uses it; and the same way back."""
    space = await ground.workspace("west")
    await space.place(namespaceSelector={"matchLabels": {"tier": "web"}})
    await space.condition(PLACEMENTS, "all", "Ready", "False", "LocationNoMatch", "No valid location is found")
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "ScheduleLocationNotFound")
    await space.phase("Pending")
    key = await space.target("one")
    unbound = await space.phase("Unbound")
    await space.condition(PLACEMENTS, "all", "Ready", "True")
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")
    unbound = await space.chosen("one")
    assert annotations(unbound)[TARGETS] == key
    assert unbound["status"]["selectedLocations"] == [{"path": space.cluster, "locationName": "default"}]
    assert unbound["status"]["decisions"] == [{"syncTarget": "one", "key": key, "location": "default"}]
    await space.namespace("web", tier="web")
    bound = await space.phase("Bound")
    assert bound["status"]["observedGeneration"] == bound["metadata"]["generation"]
    await space.resource(PLACEMENTS).patch("all", {"spec": {"namespaceSelector": {"matchLabels": {"tier": "none"}}}})
    await space.phase("Unbound")
    await space.resource(PLACEMENTS).patch("all", {"spec": {"locationSelector": {"matchLabels": {"foo": "bar"}}}})
    pending = await space.phase("Pending")
    assert TARGETS not in annotations(pending)
    assert "selectedLocations" not in pending["status"]


@pytest.mark.parametrize("field", ["locationSelector", "namespaceSelector", "workloadSelector"])
async def test_a_selector_that_cannot_be_read(ground: Ground, field: str) -> None:
    """Its own condition says so, and nothing moves because of it."""
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place()
    await space.phase("Bound")
    await space.namespace("web")
    await space.holds_namespace("web", {key: "Sync"})
    await space.resource(PLACEMENTS).patch("all", {"spec": {field: BAD_SELECTOR}})
    told = await space.condition(PLACEMENTS, "all", "Ready", "False", "InvalidSelector", f"spec.{field}")
    assert annotations(told)[TARGETS] == key
    await ground.skip(10)
    await space.namespace("later")
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "ScheduleLocationNotFound")
    await space.holds_namespace("web", {key: "Sync"})


async def test_target_reasons(ground: Ground) -> None:
    """Each reason against a target is said in words; a target that becomes fit is taken."""
    space = await ground.workspace("west")
    await space.location("none", {"matchLabels": {"name": "nobody"}})
    await space.place("empty", locationSelector={"names": ["none"]})
    await space.condition(
        PLACEMENTS, "empty", "Scheduled", "False", "NoValidTarget", "No SyncTarget in the selected Location"
    )
    await space.phase("Unbound", "empty")
    mars = {"locationSelector": {"names": ["default"]}, "syncTargetSelector": {"names": ["mars"]}}
    await space.target("one", ready=False)
    await space.resource(PLACEMENTS).patch("empty", {"spec": mars})
    why = "No SyncTarget in the selected Location matches spec.syncTargetSelector"
    await space.condition(PLACEMENTS, "empty", "Scheduled", "False", "NoValidTarget", why)
    await space.place()
    why = "SyncTarget one does not support APIBinding kubernetes: "
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", why)
    await space.accept("one")
    why = "SyncTarget one is not ready: No heartbeat yet seen"
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", why)
    targets = space.resource(SYNC_TARGETS)
    await targets.patch("one", {"spec": {"unschedulable": True}})
    await space.beat("one")
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", "SyncTarget one is cordoned")
    taints = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    await targets.patch("one", {"spec": {"unschedulable": False, "taints": taints}})
    why = "untolerated taint gpu=yes:NoSchedule"
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", why)
    await targets.patch("one", {"spec": {"taints": [], "evictAfter": in_seconds(ground, -1)}})
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", "being drained")
    await targets.patch("one", {"spec": {"taints": taints, "evictAfter": None}})
    await space.resource(PLACEMENTS).patch("all", {"spec": {"tolerations": [{"key": "gpu", "operator": "Exists"}]}})
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")
    await space.chosen("one")


async def test_too_few_targets(ground: Ground) -> None:
    """Those that can be used are used while more are asked for; many reasons are counted."""
    space = await ground.workspace("west")
    await space.target("good")
    await space.place(targets={"min": 2, "max": 3})
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "TooFewTargets", "1 of at least 2")
    await space.chosen("good")
    for number in range(5):
        await space.target(f"bad{number}", ready=False, supportedAPIExports=[])
    why = "0 of 5 further SyncTargets: 5 APINotSupported"
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "TooFewTargets", why)
    await space.target("better")
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")
    await space.chosen("good", "better")


async def test_a_location_workspace_that_comes_later(ground: Ground) -> None:
    """A Placement may be there before the workspace that it names: it follows as soon as that has Locations."""
    space = await ground.workspace("shop")
    await space.place(locationWorkspace="root:late")
    why = "location workspace 'root:late' does not exist"
    await space.condition(PLACEMENTS, "all", "Ready", "False", "LocationNotFound", why)
    late = await ground.workspace("late", compute=False)
    await late.target("one")
    await space.chosen("one")
    await space.phase("Bound")


async def test_a_location_workspace_that_comes_later_and_stays_empty(ground: Ground) -> None:
    """Without any event in the new workspace the reason is still corrected before long."""
    space = await ground.workspace("shop")
    await space.place(locationWorkspace="root:late")
    await space.condition(PLACEMENTS, "all", "Ready", "False", "LocationNotFound")
    await ground.workspace("late", compute=False)
    await ground.skip(60)
    await space.condition(PLACEMENTS, "all", "Ready", "False", "LocationNoMatch")


async def test_a_location_workspace_that_goes(ground: Ground) -> None:
    """With the workspace its SyncTargets are gone, which is a reason to leave them."""
    space, west = await ground.workspace("shop"), await ground.workspace("west", compute=False)
    key = await west.target("one")
    await space.place(locationWorkspace=west.path)
    await space.holds_namespace("default", {key: "Sync"})
    workspaces = ground.client.cluster("root").resource(WORKSPACES)
    await workspaces.delete("west")
    await gone(lambda: workspaces.get("west"))
    await ground.skip(60)
    left = await space.condition(PLACEMENTS, "all", "Ready", "False")
    assert TARGETS not in annotations(left)
    await eventually(lambda: _skipped(ground, space), lambda namespace: states(namespace) == {})


async def _skipped(ground: Ground, space: Space) -> Object:
    """Namespace `default`, with its grace over."""
    await ground.skip(5)
    return await space.resource(NAMESPACES).get("default")


async def test_by_name_and_by_path_mean_the_same(ground: Ground) -> None:
    space, west = await ground.workspace("shop"), await ground.workspace("west", compute=False)
    await west.target("one")
    await space.place("path", locationWorkspace=west.path)
    await space.place("name", locationWorkspace=west.cluster)
    for name in ("path", "name"):
        await space.chosen("one", name=name)
    await west.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": in_seconds(ground, -1)}})
    for name in ("path", "name"):
        await space.chosen(name=name)


async def test_cordon_keeps_and_drain_moves(ground: Ground) -> None:
    """A cordon moves nothing; a drain does, also one that begins in the future, at its time."""
    space = await ground.workspace("west")
    await space.target("one")
    await space.place()
    await space.chosen("one")
    await space.target("two")
    targets = space.resource(SYNC_TARGETS)
    await targets.patch("one", {"spec": {"unschedulable": True, "evictAfter": in_seconds(ground, 30)}})
    await space.condition(LOCATIONS, "default", "LocationReady", "True")
    await space.phase("Bound")
    await space.chosen("one")
    await ground.skip(31)
    await space.chosen("two")


async def test_a_lost_target_is_left_after_its_grace(ground: Ground) -> None:
    space = await ground.workspace("west")
    await space.target("one")
    await space.place(eviction={"graceSeconds": 100})
    await space.chosen("one")
    await ground.skip(61)
    await space.condition(SYNC_TARGETS, "one", "Ready", "False")
    await space.target("two")
    await ground.skip(50)
    await space.beat("two")
    assert (await space.chosen("one"))["metadata"]["name"] == "all"
    await ground.skip(55)
    await space.chosen("two")


async def test_scheduled_tells_of_the_decision_not_of_the_pcluster(ground: Ground) -> None:
    """Within the grace of a silent target the decision stands; after it the target is held for want of another."""
    space = await ground.workspace("west")
    await space.target("one")
    await space.place(eviction={"graceSeconds": 100})
    await space.chosen("one")
    await ground.skip(61)
    await space.condition(SYNC_TARGETS, "one", "Ready", "False")
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")
    await ground.skip(101)
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", "one")
    await space.chosen("one")


async def test_a_deleted_target_is_left_at_once(ground: Ground) -> None:
    space = await ground.workspace("west")
    await space.target("one")
    await space.place()
    await space.chosen("one")
    await space.target("two")
    await space.resource(SYNC_TARGETS).delete("one")
    await space.chosen("two")


async def test_spread_over_cells(ground: Ground) -> None:
    """Two targets in two cells, though three are in the first."""
    space = await ground.workspace("west")
    for name in ("a1", "a2", "a3", "b1"):
        await space.target(name, cells=[name[0]])
    await space.place(targets={"min": 2, "max": 2}, spread=[{"by": "cell", "maxSkew": 1}])

    def spread(placement: Object) -> bool:
        names = [each["syncTarget"][0] for each in placement["status"].get("decisions") or ()]
        return sorted(names) == ["a", "b"]

    await eventually(lambda: space.resource(PLACEMENTS).get("all"), spread)


async def test_a_compute_api_bound_later_counts(ground: Ground) -> None:
    """A binding more asks more of targets: one in use stays though it is unfit, a new one must offer it all."""
    space, makers = await ground.workspace("west"), await ground.workspace("makers", compute=False)
    await space.target("one")
    await space.place()
    await space.chosen("one")
    cats = schema("cats")
    await makers.resource(SCHEMAS).create(cats)
    await makers.resource(EXPORTS).create(export(cats))
    await space.bind(makers.path, "things")
    why = "SyncTarget one does not support APIBinding things: cats.example.io not accepted"
    await space.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", why)
    await space.phase("Bound")
    await space.chosen("one")
    both = [{"path": "root:compute", "export": "kubernetes"}, {"path": makers.path, "export": "things"}]
    await space.target("two", supportedAPIExports=both)
    await space.chosen("two")
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")


async def test_a_deleted_placement_leaves_nothing_behind(ground: Ground) -> None:
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place()
    await space.holds_namespace("default", {key: "Sync"})
    await space.resource(PLACEMENTS).delete("all")
    await gone(lambda: space.resource(PLACEMENTS).get("all"))
    await space.holds_namespace("default", {key: "Sync-"})
    await ground.skip(5)
    await space.holds_namespace("default", {})
