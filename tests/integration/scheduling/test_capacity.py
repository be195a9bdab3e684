"""Workloads go where there is room, what they need goes with them, and nothing that is placed moves for room."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.scheduling.ground import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SERVICES,
    Ground,
    Space,
    config_map,
    deployment,
    eventually,
    ready_status,
    states,
)

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base import jsonio
from headwater.controller.events import EVENTS
from headwater.machinery.objects import Object, annotations
from headwater.machinery.timestamps import format_time
from headwater.server.options import ControllerOptions


async def small(ground: Ground, **cpu: str) -> Space:
    """A workspace with a Placement on one of several targets with so much cpu each; the first one is its home."""
    space = await ground.workspace("west")
    for number, (name, amount) in enumerate(cpu.items()):
        await space.target(name)
        await space.capacity(name, cpu=amount)
        if number == 0:
            await space.place()
            await space.chosen(name)
    return space


async def create(space: Space, name: str, replicas: int, cpu: str, *, config: str = "") -> None:
    body = deployment(name, replicas, cpu=cpu)
    if config:
        body["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "configMap": {"name": config}}]
    await space.resource(DEPLOYMENTS, "default").create(body)


async def told(space: Space, name: str, reason: str) -> Object:
    """Wait for an Event about a Deployment."""

    async def events() -> list[Object]:
        found: list[Object] = (await space.resource(EVENTS, "default").list())["items"]
        return [each for each in found if (each["involvedObject"]["name"], each["reason"]) == (name, reason)]

    return (await eventually(events, bool))[-1]


async def test_what_finds_no_room_at_home_goes_elsewhere(ground: Ground) -> None:
    """With the configuration that it names, and the Service that selects its pods; the rest stays at home."""
    space = await small(ground, one="2", two="2")
    one, two = space.key("one"), space.key("two")
    maps = space.resource(CONFIG_MAPS, "default")
    await maps.create(config_map("named"))
    await maps.create(config_map("other"))
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}}
    spec = {"selector": {"app": "b"}, "ports": [{"port": 80}]}
    await space.resource(SERVICES, "default").create({**service, "spec": spec})
    await create(space, "a", 2, "1")
    await space.holds(DEPLOYMENTS, "a", {one: "Sync"})
    await create(space, "b", 2, "1", config="named")
    await space.holds(DEPLOYMENTS, "b", {two: "Sync"})
    await space.holds(CONFIG_MAPS, "named", {one: "Sync", two: "Sync"})
    await space.holds(SERVICES, "b", {one: "Sync", two: "Sync"})
    await space.holds(CONFIG_MAPS, "other", {one: "Sync"})
    await space.resource(DEPLOYMENTS, "default").delete("b")
    await space.holds(CONFIG_MAPS, "named", {one: "Sync"})


async def test_what_finds_no_room_anywhere_waits_for_it(ground: Ground) -> None:
    """It is told so, and placed as soon as there is room."""
    space = await small(ground, one="1")
    one = space.key("one")
    await create(space, "a", 1, "800m")
    await space.holds(DEPLOYMENTS, "a", {one: "Sync"})
    await create(space, "b", 1, "800m")
    event = await told(space, "b", "FailedScheduling")
    assert event["type"] == "Warning"
    assert "cpu" in event["message"]
    assert states(await space.resource(DEPLOYMENTS, "default").get("b")) == {}
    await space.capacity("one", cpu="2")
    await space.holds(DEPLOYMENTS, "b", {one: "Sync"})


async def test_a_target_says_what_is_requested_on_it(ground: Ground) -> None:
    """In its status, soon after it changed."""
    space = await small(ground, one="4")
    await create(space, "a", 2, "500m")
    read = space.resource(SYNC_TARGETS).get

    def requested(obj: Object) -> dict[str, str]:
        found: dict[str, str] = obj["status"].get("requested") or {}
        return found

    await eventually(lambda: read("one"), lambda obj: requested(obj) == {"cpu": "1", "pods": "2"})
    await space.resource(DEPLOYMENTS, "default").delete("a")
    await eventually(lambda: read("one"), lambda obj: requested(obj) == {})


async def test_room_that_is_given_back_is_used(ground: Ground) -> None:
    """A workload that goes makes room for one that waits."""
    space = await small(ground, one="1")
    await create(space, "a", 1, "800m")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await create(space, "b", 1, "800m")
    await told(space, "b", "FailedScheduling")
    await space.resource(DEPLOYMENTS, "default").delete("a")
    await space.holds(DEPLOYMENTS, "b", {space.key("one"): "Sync"})


async def test_room_is_given_back_when_the_pods_are_gone(ground: Ground) -> None:
    """Not when their removal begins: until the syncer says so they are there, also in what the target is told of."""
    space = await small(ground, one="1")
    await create(space, "a", 1, "800m")
    syncer = await ground.syncer(space, "one")
    await syncer.claim(space, DEPLOYMENTS, "a")
    await create(space, "b", 1, "800m")
    await told(space, "b", "FailedScheduling")
    await space.resource(DEPLOYMENTS, "default").delete("a")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync-"})
    await ground.skip(5)
    await ground.skip(0)
    assert states(await space.resource(DEPLOYMENTS, "default").get("b")) == {}
    await eventually(
        lambda: space.resource(SYNC_TARGETS).get("one"),
        lambda obj: obj["status"].get("requested") == {"cpu": "800m", "pods": "1"},
    )
    await syncer.let_go(space, DEPLOYMENTS, "a")
    await space.holds(DEPLOYMENTS, "b", {space.key("one"): "Sync"})


async def test_what_is_being_deleted_takes_no_new_room(ground: Ground) -> None:
    """Though its target is drained meanwhile, and another one could have it."""
    space = await small(ground, one="1")
    await create(space, "a", 1, "800m")
    await (await ground.syncer(space, "one")).claim(space, DEPLOYMENTS, "a")
    await space.resource(DEPLOYMENTS, "default").delete("a")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync-"})
    drained: dict[str, Any] = {"unschedulable": True, "evictAfter": format_time(ground.clock.now())}
    await space.resource(SYNC_TARGETS).patch("one", {"spec": drained})
    await space.target("two")
    await space.capacity("two", cpu="1")
    await space.chosen("two")
    await ground.skip(2)
    await ground.skip(0)
    await create(space, "b", 1, "800m")
    await space.holds(DEPLOYMENTS, "b", {space.key("two"): "Sync"})


async def test_two_swap_places_where_there_is_room_for_one_only(ground: Ground) -> None:
    """The first has to go down; the second waits where it is for the room of the first, and moves without a gap."""
    space = await ground.workspace("west")
    for name in ("one", "two"):
        await space.target(name)
        await space.capacity(name, cpu="1")
    one, two = space.key("one"), space.key("two")
    syncers = {name: await ground.syncer(space, name) for name in ("one", "two")}
    for name, here in (("a", "one"), ("b", "two")):
        select = {"workloadSelector": {"matchLabels": {"app": name}}, "syncTargetSelector": {"names": [here]}}
        await space.place(f"only-{name}", **select)
        await create(space, name, 1, "800m")
        await syncers[here].claim(space, DEPLOYMENTS, name)
        await syncers[here].report(space, DEPLOYMENTS, name, **ready_status(1))
    placements = space.resource(PLACEMENTS)
    await placements.patch("only-a", {"spec": {"syncTargetSelector": {"names": ["two"]}}})
    await space.holds(DEPLOYMENTS, "a", {one: "Sync-"})
    await placements.patch("only-b", {"spec": {"syncTargetSelector": {"names": ["one"]}}})
    await space.chosen("one", name="only-b")
    await space.condition_of("b", "False", "InsufficientCapacity", "stays where it is until others have left")
    await ground.skip(0)
    await space.holds(DEPLOYMENTS, "b", {two: "Sync"})
    await syncers["one"].let_go(space, DEPLOYMENTS, "a")
    await space.holds(DEPLOYMENTS, "b", {one: "Sync", two: "Sync"})
    await syncers["one"].claim(space, DEPLOYMENTS, "b")
    await syncers["one"].report(space, DEPLOYMENTS, "b", **ready_status(1))
    await space.holds(DEPLOYMENTS, "b", {one: "Sync", two: "Sync-"})
    await syncers["two"].let_go(space, DEPLOYMENTS, "b")
    await space.holds(DEPLOYMENTS, "a", {two: "Sync"})


async def test_what_is_kept_on_a_lost_target_moves_when_there_is_room(ground: Ground) -> None:
    """It lacks no target, and yet waits for a better one."""
    space = await small(ground, one="1", two="1")
    await create(space, "a", 1, "1")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await space.namespace("elsewhere")
    other = space.resource(DEPLOYMENTS, "elsewhere")
    await other.create(deployment("b", 1, cpu="1"))
    await space.holds(DEPLOYMENTS, "b", {space.key("two"): "Sync"}, "elsewhere")
    for _ in range(13):
        await ground.skip(30)
        await space.beat("two")
    await space.chosen("two")
    await ground.skip(0)
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await other.delete("b")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync", space.key("two"): "Sync"})


async def test_many_at_once_are_never_too_many(ground: Ground) -> None:
    """Created together, they are placed one after the other as far as anybody knows."""
    space = await small(ground, one="2", two="2", three="1")
    for number in range(8):
        await create(space, f"d{number}", 1, "1")
    placed = space.resource(DEPLOYMENTS, "default")

    async def counts() -> dict[str, int]:
        found = (await placed.list())["items"]
        keys = [key for each in found for key in states(each)]
        return {name: keys.count(space.key(name)) for name in ("one", "two", "three")}

    await eventually(counts, lambda found: found == {"one": 2, "two": 2, "three": 1})
    waiting = [each for each in (await placed.list())["items"] if not states(each)]
    assert len(waiting) == 3


async def test_nothing_moves_because_there_is_less_room(ground: Ground) -> None:
    """What runs keeps running, also when it grows beyond what is there."""
    space = await small(ground, one="2", two="8")
    await create(space, "a", 2, "1")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await space.capacity("one", cpu="1")
    await space.resource(DEPLOYMENTS, "default").patch("a", {"spec": {"replicas": 5}})
    await create(space, "b", 1, "1")
    await space.holds(DEPLOYMENTS, "b", {space.key("two"): "Sync"})
    assert states(await space.resource(DEPLOYMENTS, "default").get("a")) == {space.key("one"): "Sync"}


async def test_shares_by_free_capacity(ground: Ground) -> None:
    """Divided by room; what is there stays when more come."""
    space = await ground.workspace("west")
    for name, cpu in (("one", "6"), ("two", "2")):
        await space.target(name)
        await space.capacity(name, cpu=cpu)
    await space.place(targets={"min": 1, "max": 2}, replicas={"mode": "Divided", "divideBy": "FreeCapacity"})
    await space.chosen("one", "two")
    await create(space, "a", 4, "1")
    note = "experimental.spec-diff.workload.kcp.io/"
    deployments = space.resource(DEPLOYMENTS, "default")

    def shares(obj: Object) -> dict[str, int]:
        found = annotations(obj)
        names = {name: note + space.key(name) for name in ("one", "two")}
        return {name: jsonio.loads(found[key])[0]["value"] for name, key in names.items() if key in found}

    await eventually(lambda: deployments.get("a"), lambda obj: shares(obj) == {"one": 3, "two": 1})
    await deployments.patch("a", {"spec": {"replicas": 8}})
    await eventually(lambda: deployments.get("a"), lambda obj: shares(obj) == {"one": 6, "two": 2})
    await deployments.patch("a", {"spec": {"replicas": 9}})
    event = await told(space, "a", "FailedScheduling")
    assert "1 replica has no place" in event["message"]


async def test_moves_are_recorded(ground: Ground) -> None:
    """Where, when and why, on the object and as Events."""
    space = await small(ground, one="4", two="4")
    await create(space, "a", 1, "1")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await told(space, "a", "Scheduled")
    drained: dict[str, Any] = {"unschedulable": True, "evictAfter": format_time(ground.clock.now())}
    await space.resource(SYNC_TARGETS).patch("one", {"spec": drained})
    read = space.resource(DEPLOYMENTS, "default").get

    def history(obj: Object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = jsonio.loads(annotations(obj).get("scheduling.kcp.io/history", "[]"))
        return found

    obj = await eventually(lambda: read("a"), lambda found: len(history(found)) == 2)
    assert [each["targets"] for each in history(obj)] == [["one"], ["two"]]
    assert "drained" in history(obj)[1]["cause"]
    assert "drained" in (await told(space, "a", "Moved"))["message"]


@pytest.mark.parametrize("ground", [ControllerOptions(move_rate=0.01, move_burst=1)], indirect=True)
async def test_moves_begin_at_the_pace_that_was_set(ground: Ground) -> None:
    """One at once, the others as time goes by, all of them in the end; first placements are not held up."""
    space = await small(ground, one="4", two="4")
    for name in ("a", "b", "c"):
        await create(space, name, 1, "1")
        await space.holds(DEPLOYMENTS, name, {space.key("one"): "Sync"})
        # Nothing is left to be written to it: a write that meets another would take its turn to move for nothing.
        await space.condition_of(name, "True", "Scheduled", "")
    drained: dict[str, Any] = {"unschedulable": True, "evictAfter": format_time(ground.clock.now())}
    await space.resource(SYNC_TARGETS).patch("one", {"spec": drained})
    read = space.resource(DEPLOYMENTS, "default").list

    async def moved() -> int:
        return sum(space.key("two") in states(each) for each in (await read())["items"])

    for count in (1, 2, 3):
        await eventually(moved, lambda found, count=count: found == count)
        await ground.skip(101)
        await space.beat("one")
        await space.beat("two")


async def test_a_device_that_no_node_has_is_nowhere(ground: Ground) -> None:
    """A pcluster that says what it has, and names no such device, has none."""
    space = await small(ground, one="4", two="4")
    await space.resource(SYNC_TARGETS).patch_status("two", {"status": {"allocatable": {"example.com/gpu": "1"}}})
    body = deployment("a", 1)
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"example.com/gpu": "1"}}
    await space.resource(DEPLOYMENTS, "default").create(body)
    await space.holds(DEPLOYMENTS, "a", {space.key("two"): "Sync"})


async def test_losses_and_returns_are_told(ground: Ground) -> None:
    """On every workload that runs there."""
    space = await small(ground, one="4")
    await create(space, "a", 1, "1")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    await ground.skip(62)
    assert "SyncTarget one was last heard of at" in (await told(space, "a", "TargetUnreachable"))["message"]
    await space.beat("one")
    await told(space, "a", "TargetReachable")


async def test_a_placement_without_locations_is_named(ground: Ground) -> None:
    """By the workloads that it would place."""
    space = await ground.workspace("west")
    await space.target("one")
    await space.place(locationSelector={"matchLabels": {"no": "where"}})
    await create(space, "a", 1, "1")
    await space.condition_of("a", "Unknown", "PlacementNotReady", "Placement all")
    await ground.skip(6)
    event = await told(space, "a", "FailedScheduling")
    assert event["message"] == "PlacementNotReady: see the condition Ready of Placement all"


async def test_a_tolerated_taint_lets_stay_for_a_while(ground: Ground) -> None:
    """tolerationSeconds after it was added, a NoExecute taint sends away."""
    space = await ground.workspace("west")
    await space.target("one")
    toleration = {"key": "upgrade", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 600}
    await space.place(tolerations=[toleration])
    await space.chosen("one")
    await space.target("two")
    await create(space, "a", 1, "1")
    await space.holds(DEPLOYMENTS, "a", {space.key("one"): "Sync"})
    taint = {"key": "upgrade", "effect": "NoExecute", "timeAdded": format_time(ground.clock.now())}
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"taints": [taint]}})
    for seconds in (550, 40):
        await ground.skip(seconds)
        for name in ("one", "two"):
            await space.beat(name)
        if seconds == 550:
            await space.chosen("one")
    await ground.skip(15)
    await space.chosen("two")


async def test_nobody_moves_when_most_are_lost_at_once(ground: Ground) -> None:
    """Rather the control plane lost its network than three pclusters of four died in the same minute."""
    space = await ground.workspace("west")
    for name in ("one", "two", "three", "four"):
        await space.target(name)
    await space.place(locationSelector={}, syncTargetSelector={"names": ["one", "four"]}, eviction={"graceSeconds": 60})
    home = (await space.phase("Bound"))["status"]["decisions"][0]["syncTarget"]
    other = "four" if home == "one" else "one"
    for name in {"one", "two", "three", "four"} - {other}:
        await space.resource(SYNC_TARGETS).patch_status(name, {"status": {"lastSyncerHeartbeatTime": None}})
    await ground.skip(300)
    await space.beat(other)
    await space.condition(SYNC_TARGETS, home, "Ready", "False")
    await space.chosen(home)
    await space.beat("two")
    await space.beat("three")
    await space.chosen(other)


async def test_preferred_targets_come_first(ground: Ground) -> None:
    """By name or label; only where there is a choice."""
    space = await ground.workspace("west")
    for name in ("one", "two", "three"):
        await space.target(name)
    preference = {"weight": 10, "syncTargetSelector": {"matchLabels": {"name": "two"}}}
    await space.place(preferences=[preference])
    await space.chosen("two")
    await space.place(
        "others",
        syncTargetSelector={"matchExpressions": [{"key": "name", "operator": "NotIn", "values": ["two", "one"]}]},
        preferences=[preference],
    )
    await space.chosen("three", name="others")
