"""Objects follow their namespace to targets and away from them, as gently as their Placement asks."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    SERVICES,
    Ground,
    Space,
    config_map,
    deployment,
    eventually,
    gone,
    ready_status,
    states,
)

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, finalizers
from headwater.machinery.timestamps import format_time

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}


async def drain(space: Space, target: str) -> None:
    await space.resource(SYNC_TARGETS).patch(target, {"spec": {"evictAfter": format_time(space.ground.clock.now())}})


async def placed(ground: Ground, **spec: object) -> tuple[Space, str, str]:
    """A workspace whose Placement uses target one, and target two in reserve; answers it with both keys."""
    space = await ground.workspace("west")
    one = await space.target("one")
    await space.place(**spec)
    await space.holds_namespace("default", {one: "Sync"})
    return space, one, await space.target("two")


async def test_objects_get_and_lose_the_label(ground: Ground) -> None:
    """Builtin and bound kinds, made before and after the decision; unclaimed ones lose it with the namespace."""
    space = await ground.workspace("west")
    maps, services = space.resource(CONFIG_MAPS, "default"), space.resource(SERVICES, "default")
    await maps.create(config_map("early"))
    key = await space.target("one")
    await space.place()
    await services.create(SERVICE)
    await space.holds(CONFIG_MAPS, "early", {key: "Sync"})
    await space.holds(SERVICES, "web", {key: "Sync"})
    await maps.patch("early", {"metadata": {"labels": {f"state.workload.kcp.io/{key}": None}}})
    await space.holds(CONFIG_MAPS, "early", {key: "Sync"})
    await space.resource(PLACEMENTS).delete("all")
    await space.holds(CONFIG_MAPS, "early", {key: "Sync-"})
    await ground.skip(6)
    await space.holds(CONFIG_MAPS, "early", {})
    await space.holds(SERVICES, "web", {})


async def test_deletion_marks_every_target(ground: Ground) -> None:
    """A deleted object that a syncer holds is marked; it goes when the syncer lets go."""
    space, one, _ = await placed(ground)
    await space.resource(CONFIG_MAPS, "default").create(config_map("held"))
    syncer = await ground.syncer(space, "one")
    await syncer.claim(space, CONFIG_MAPS, "held")
    await space.resource(CONFIG_MAPS, "default").delete("held")
    held = await space.holds(CONFIG_MAPS, "held", {one: "Sync-"})
    assert annotations(held)[f"deletion.internal.workload.kcp.io/{one}"] == held["metadata"]["deletionTimestamp"]
    await syncer.let_go(space, CONFIG_MAPS, "held")
    await gone(lambda: space.resource(CONFIG_MAPS, "default").get("held"))


async def test_soft_finalizers_keep_an_object_on_its_target(ground: Ground) -> None:
    """Marked, but not to be dropped before the annotation is blank; then the syncer sees it deleted."""
    space, one, _ = await placed(ground)
    note = f"finalizers.workload.kcp.io/{one}"
    await space.resource(CONFIG_MAPS, "default").create(config_map("kept", annotations={note: "wait-a-bit"}))
    syncer = await ground.syncer(space, "one")
    await syncer.claim(space, CONFIG_MAPS, "kept")
    await space.resource(PLACEMENTS).delete("all")
    await space.holds(CONFIG_MAPS, "kept", {one: "Sync-"})
    await ground.skip(6)
    await space.holds_namespace("default", {})
    view = syncer.resource(space, CONFIG_MAPS)
    assert "deletionTimestamp" not in (await view.get("kept"))["metadata"]
    await space.resource(CONFIG_MAPS, "default").patch("kept", {"metadata": {"annotations": {note: ""}}})
    await syncer.let_go(space, CONFIG_MAPS, "kept")
    left = await space.holds(CONFIG_MAPS, "kept", {})
    assert note not in annotations(left)


async def test_make_before_break(ground: Ground) -> None:
    """A drained workload stays until it is ready elsewhere, and what it needs stays as long as it does."""
    space, one, two = await placed(ground)
    await space.resource(DEPLOYMENTS, "default").create(deployment("web"))
    await space.resource(CONFIG_MAPS, "default").create(config_map("settings"))
    first, second = await ground.syncer(space, "one"), await ground.syncer(space, "two")
    for gvr, name in ((DEPLOYMENTS, "web"), (CONFIG_MAPS, "settings")):
        await first.claim(space, gvr, name)
    await first.report(space, DEPLOYMENTS, "web", **ready_status(2))
    await drain(space, "one")
    both = {one: "Sync", two: "Sync"}
    for gvr, name in ((DEPLOYMENTS, "web"), (CONFIG_MAPS, "settings")):
        await space.holds(gvr, name, both)
        await second.claim(space, gvr, name)
    await ground.skip(6)
    await space.holds_namespace("default", {two: "Sync"})
    await second.report(space, DEPLOYMENTS, "web", **ready_status(1))
    await ground.skip(0)
    await eventually(
        lambda: space.resource(DEPLOYMENTS, "default").get("web"),
        lambda obj: states(obj) == both and obj["status"].get("readyReplicas") == 2,
    )
    await second.report(space, DEPLOYMENTS, "web", **ready_status(2))
    await space.holds(DEPLOYMENTS, "web", {one: "Sync-", two: "Sync"})
    await space.holds(CONFIG_MAPS, "settings", both)
    await first.let_go(space, DEPLOYMENTS, "web")
    await space.holds(DEPLOYMENTS, "web", {two: "Sync"})
    await first.let_go(space, CONFIG_MAPS, "settings")
    left = await space.holds(CONFIG_MAPS, "settings", {two: "Sync"})
    assert list(finalizers(left)) == [second.finalizer]


async def test_immediate(ground: Ground) -> None:
    """With the strategy Immediate everything leaves at once."""
    space, one, two = await placed(ground, eviction={"strategy": "Immediate"})
    await space.resource(DEPLOYMENTS, "default").create(deployment("web"))
    first = await ground.syncer(space, "one")
    await first.claim(space, DEPLOYMENTS, "web")
    await drain(space, "one")
    await space.holds(DEPLOYMENTS, "web", {one: "Sync-", two: "Sync"})


async def test_a_target_that_is_gone_holds_nothing(ground: Ground) -> None:
    """The finalizers and reports of a deleted SyncTarget are taken off, and the workload starts elsewhere."""
    space, one, two = await placed(ground)
    await space.resource(DEPLOYMENTS, "default").create(deployment("web"))
    first = await ground.syncer(space, "one")
    await first.claim(space, DEPLOYMENTS, "web")
    await first.report(space, DEPLOYMENTS, "web", **ready_status(2))
    await space.resource(SYNC_TARGETS).delete("one")
    await gone(lambda: space.resource(SYNC_TARGETS).get("one"))
    await ground.skip(6)
    left = await space.holds(DEPLOYMENTS, "web", {two: "Sync"})
    assert not finalizers(left)
    assert not [note for note in annotations(left) if note.endswith(one)]


async def test_a_deleted_object_of_a_deleted_target_goes(ground: Ground) -> None:
    space, _, _ = await placed(ground)
    await space.resource(CONFIG_MAPS, "default").create(config_map("held"))
    first = await ground.syncer(space, "one")
    await first.claim(space, CONFIG_MAPS, "held")
    await space.resource(CONFIG_MAPS, "default").delete("held")
    await space.resource(SYNC_TARGETS).delete("one")
    await gone(lambda: space.resource(CONFIG_MAPS, "default").get("held"))


async def test_workload_selectors(ground: Ground) -> None:
    """A Placement with a workloadSelector takes only those workloads; kinds without pods follow the namespace."""
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place(workloadSelector={"matchLabels": {"tier": "web"}})
    for name, tier in (("web", "web"), ("db", "db")):
        await space.resource(DEPLOYMENTS, "default").create(deployment(name, tier=tier))
    await space.resource(CONFIG_MAPS, "default").create(config_map("settings"))
    await space.holds(DEPLOYMENTS, "web", {key: "Sync"})
    await space.holds(CONFIG_MAPS, "settings", {key: "Sync"})
    await space.holds(DEPLOYMENTS, "db", {})
    await space.resource(DEPLOYMENTS, "default").patch("db", {"metadata": {"labels": {"tier": "web"}}})
    await space.holds(DEPLOYMENTS, "db", {key: "Sync"})
    wanted = {"matchLabels": {"tier": None, "app": "db"}}
    await space.resource(PLACEMENTS).patch("all", {"spec": {"workloadSelector": wanted}})
    await space.holds(DEPLOYMENTS, "web", {})


async def split(ground: Ground) -> tuple[Space, dict[str, str]]:
    """Targets one and two, each in a Location of its name, and a Placement by workload for each."""
    space = await ground.workspace("west")
    keys = {name: await space.target(name) for name in ("one", "two")}
    for name in keys:
        await space.location(name, {"matchLabels": {"name": name}})
        await space.place(name, locationSelector={"names": [name]}, workloadSelector={"matchLabels": {"place": name}})
        await space.resource(DEPLOYMENTS, "default").create(deployment(f"app-{name}", place=name))
    for name, key in keys.items():
        await space.holds(DEPLOYMENTS, f"app-{name}", {key: "Sync"})
    return space, keys


async def test_placements_swap_their_targets(ground: Ground) -> None:
    """The namespace keeps both targets, so only the Placements tell that workloads have to change places."""
    space, keys = await split(ground)
    other = {"one": "two", "two": "one"}
    for name in keys:
        spec = {"locationSelector": {"names": [other[name]]}, "eviction": {"strategy": "Immediate"}}
        await space.resource(PLACEMENTS).patch(name, {"spec": spec})
    for name in keys:
        await space.holds(DEPLOYMENTS, f"app-{name}", {keys[other[name]]: "Sync"})


async def test_a_placement_goes_and_another_keeps_the_target(ground: Ground) -> None:
    space, keys = await split(ground)
    await space.place("more", locationSelector={"names": ["one"]}, workloadSelector={"matchLabels": {"app": "none"}})
    await space.chosen("one", name="more")
    await space.resource(PLACEMENTS).delete("one")
    await space.holds(DEPLOYMENTS, "app-one", {})
    await space.holds(DEPLOYMENTS, "app-two", {keys["two"]: "Sync"})


POD = {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}


@pytest.mark.parametrize(
    ("gvr", "body"),
    [(CONFIG_MAPS, {"kind": "ConfigMap"}), (SERVICES, {"kind": "Service"}), (PODS, {"kind": "Pod", **POD})],
    ids=["builtin", "bound", "never-placed"],
)
async def test_upsynced_objects_go_with_their_target(ground: Ground, gvr: GroupVersionResource, body: Object) -> None:
    """What was copied up belongs to the SyncTarget it came from: it is not placed, and goes with it."""
    space, one, _ = await placed(ground)
    marks = {f"state.workload.kcp.io/{one}": "Upsync"}
    meta = {"apiVersion": "v1", "metadata": {"name": "up", "labels": marks}}
    await space.resource(gvr, "default").create({"spec": {"ports": [{"port": 80}]}, **meta, **body})
    await space.resource(CONFIG_MAPS, "default").create(config_map("probe"))
    await space.holds(CONFIG_MAPS, "probe", {one: "Sync"})
    assert states(await space.resource(gvr, "default").get("up")) == {one: "Upsync"}
    await space.resource(SYNC_TARGETS).delete("one")
    await gone(lambda: space.resource(gvr, "default").get("up"))


async def test_system_namespaces_are_left_alone(ground: Ground) -> None:
    space, one, _ = await placed(ground)
    await space.resource(CONFIG_MAPS, "kube-system").create(config_map("own"))
    await space.resource(CONFIG_MAPS, "default").create(config_map("mine"))
    await space.holds(CONFIG_MAPS, "mine", {one: "Sync"})
    assert states(await space.resource(CONFIG_MAPS, "kube-system").get("own")) == {}
