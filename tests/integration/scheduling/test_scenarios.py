"""Stories of transparent multi-cluster, told over several workspaces as their users live them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.integration.scheduling.ground import (
    COMPUTE,
    CONFIG_MAPS,
    NAMESPACES,
    PODS,
    SERVICES,
    Ground,
    eventually,
    gone,
    states,
)

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, annotations
from headwater.machinery.timestamps import format_time


def service(**meta: Any) -> Object:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "first", **meta}}
    return {**body, "spec": {"ports": [{"port": 80}]}}


async def test_placement_before_any_location(ground: Ground) -> None:
    """A Placement waits for the first pcluster of another workspace, and needs no touch when that comes."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    await user.place(locationWorkspace=locations.path)
    await user.phase("Pending")
    await locations.target("west")
    await user.condition(PLACEMENTS, "all", "Ready", "True")
    await user.phase("Bound")


async def test_two_placements_two_pclusters(ground: Ground) -> None:
    """One workload runs in both places, and each syncer sees its own."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    keys = {}
    for name in ("loc1", "loc2"):
        keys[name] = await locations.target(name)
        await locations.location(name, {"matchLabels": {"name": name}}, loc=name)
        selector = {"matchLabels": {"loc": name}}
        await user.place(name, locationWorkspace=locations.path, locationSelector=selector)
    await user.resource(SERVICES, "default").create(service())
    await user.holds(SERVICES, "first", dict.fromkeys(keys.values(), "Sync"))
    for name in keys:
        syncer = await ground.syncer(locations, name)
        view = await syncer.resource(user, SERVICES).get("first")
        assert states(view) == {keys[name]: "Sync"}


async def test_a_placement_that_selects_nothing_any_more(ground: Ground) -> None:
    """The workload leaves when nobody holds it back, and comes back with a new Placement."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    key = await locations.target("west")
    hold = f"finalizers.workload.kcp.io/{key}"
    await user.resource(SERVICES, "default").create(service(annotations={hold: "wait-a-bit"}))
    await user.place(locationWorkspace=locations.path)
    syncer = await ground.syncer(locations, "west")
    await syncer.claim(user, SERVICES, "first")
    nothing = {"matchLabels": {"selected": "never"}}
    await user.resource(PLACEMENTS).patch("all", {"spec": {"namespaceSelector": nothing}})
    await user.phase("Unbound")
    await user.holds_namespace("default", {key: "Sync-"})
    await user.holds(SERVICES, "first", {key: "Sync-"})
    view = syncer.resource(user, SERVICES)
    assert "deletionTimestamp" not in (await view.get("first"))["metadata"]
    await user.resource(SERVICES, "default").patch("first", {"metadata": {"annotations": {hold: ""}}})
    await syncer.let_go(user, SERVICES, "first")
    await gone(lambda: view.get("first"))
    await user.resource(PLACEMENTS).patch("all", {"spec": {"locationSelector": {"matchLabels": {"foo": "bar"}}}})
    await user.phase("Pending")
    await ground.skip(6)
    await user.place("new-placement", locationWorkspace=locations.path)
    await user.condition(PLACEMENTS, "new-placement", "Ready", "True")
    back = await user.holds(SERVICES, "first", {key: "Sync"})
    assert not [note for note in annotations(back) if "deletion" in note]
    await syncer.claim(user, SERVICES, "first")


async def test_only_targets_that_support_the_api(ground: Ground) -> None:
    """Of two ready targets only the one with the bound API is ever chosen."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    without = await locations.target("a-without", ready=False, supportedAPIExports=[])
    await locations.beat("a-without")
    await user.place(locationWorkspace=locations.path, targets={"min": 1, "max": 2})
    why = "SyncTarget a-without does not support APIBinding kubernetes"
    await user.condition(PLACEMENTS, "all", "Scheduled", "False", "NoValidTarget", why)
    with_api = await locations.target("b-with", supportedAPIExports=[COMPUTE])
    found = await user.chosen("b-with")
    assert annotations(found)["internal.workload.kcp.io/synctarget"] == with_api != without


async def test_upsynced_pods_outlive_silence_but_not_their_target(ground: Ground) -> None:
    """A pod that was copied up stays while its pcluster is silent, and goes when that is unregistered."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    key = await locations.target("west")
    spec = {"containers": [{"name": "c", "image": "nginx"}]}
    meta = {"name": "up", "labels": {f"state.workload.kcp.io/{key}": "Upsync"}}
    pods = user.resource(PODS, "default")
    await pods.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    await ground.skip(120)
    await locations.condition(SYNC_TARGETS, "west", "HeartbeatHealthy", "False")
    await ground.skip(5)
    assert states(await pods.get("up")) == {key: "Upsync"}
    await locations.beat("west")
    assert states(await pods.get("up")) == {key: "Upsync"}
    await locations.resource(SYNC_TARGETS).delete("west")
    await gone(lambda: pods.get("up"))


async def test_a_namespace_is_scheduled_and_evicted(ground: Ground) -> None:
    """Unschedulable, scheduled once a target is there, and unschedulable again after its eviction."""
    space = await ground.workspace("own")
    await space.namespace("web")
    scheduled = ("web", "NamespaceScheduled")
    await space.condition(NAMESPACES, *scheduled, "False", "Unschedulable")
    key = await space.target("here")
    await space.place()
    await space.holds_namespace("web", {key: "Sync"})
    await space.condition(NAMESPACES, *scheduled, "True")
    an_hour_ago = format_time(ground.clock.now() - timedelta(hours=1))
    await space.resource(SYNC_TARGETS).patch("here", {"spec": {"evictAfter": an_hour_ago}})
    await space.condition(NAMESPACES, *scheduled, "False", "Unschedulable", "No available sync targets")


async def test_everything_at_once_settles(ground: Ground) -> None:
    """Made in the wrong order and all together, workspace, objects, binding and target still come to rest."""
    locations = await ground.workspace("locations", compute=False)
    user = await ground.workspace("user", compute=False)
    await user.place(locationWorkspace=locations.path)
    await user.namespace("web")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "early"}}
    await user.resource(CONFIG_MAPS, "web").create(body)
    key = await locations.target("west")
    await user.holds(CONFIG_MAPS, "early", {key: "Sync"}, "web")
    await user.bind()
    await user.resource(SERVICES, "web").create(service())
    await user.holds(SERVICES, "first", {key: "Sync"}, "web")

    async def other_workspace() -> list[Object]:
        try:
            found: list[Object] = (await locations.resource(SERVICES).list())["items"]
        except NotFound:
            return []
        return found

    assert await eventually(other_workspace, lambda found: found == []) == []
