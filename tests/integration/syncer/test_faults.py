"""What must not happen downstream when things go wrong upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, PLURALS, Line

from headwater.apis.sync.v1alpha1.synctarget import ALLOW_DELETIONS_ANNOTATION, SYNC_TARGETS
from headwater.machinery.conditions import get_condition, is_true
from headwater.machinery.errors import AlreadyExists
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name, namespace, resource_version, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.server.options import ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import syncer_workspace, upsyncer_workspace
from headwater.sim.faults import FaultSettings
from headwater.syncer.mutate.body import REVISION_ANNOTATION
from headwater.syncer.spec.brake import BrakeSettings
from headwater.syncer.target import follow

LEAVE = {"metadata": {"annotations": {ALLOW_DELETIONS_ANNOTATION: "true"}}}
ROLE: Object = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "counter"}}
EVENTS = GroupVersionResource("", "v1", "events")


async def held(line: Line) -> Object | None:
    """The condition of held deletions, while they are."""
    condition = get_condition(await line.sync_target(), "DeletionsAllowed")
    return condition if condition is not None and condition["status"] == "False" else None


async def copies(line: Line) -> dict[str, str]:
    """Name and uid of all copies of ConfigMaps of namespace `web`."""
    space = line.downstream_namespace("web")
    return {name(each): uid(each) for each in await line.copies(CONFIG_MAPS) if namespace(each) == space}


async def fill(line: Line, count: int) -> dict[str, str]:
    """Make ConfigMaps and wait for their copies."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    for number in range(count):
        await maps.create(config_map(f"m{number}"))

    async def all_there() -> dict[str, str] | None:
        found = await copies(line)
        return found if len(found) == count + 1 else None  # and the root CA

    found: dict[str, str] = await eventually(all_there)
    return found


async def restart_control_plane(line: Line, *, empty: bool) -> None:
    """Stop the control plane and start it on the same port, with its store or without."""
    old = line.control_plane
    await old.stop()
    if empty:
        for file in (line.directory / "control-plane").glob("*.db*"):
            file.unlink()
    await start_control_plane(line)


async def start_control_plane(line: Line) -> None:
    """Start the control plane that was stopped, on the same port."""
    old = line.control_plane
    serving = ServingOptions(secure_port=int(old.url.rpartition(":")[2]), shutdown_grace_seconds=0.2)
    process = ControlPlaneProcess(
        replace(old.options, serving=serving), virtual_workspaces=(syncer_workspace, upsyncer_workspace)
    )
    await process.start()
    line.control_plane = process
    line.workspace = process.client.cluster(line.cluster)


Store = Mapping[Path, bytes]


async def backed_up(line: Line) -> Store:
    """A copy of the control plane's store, than which the syncer's last heartbeat is later."""
    await line.control_plane.stop()
    store = {file: file.read_bytes() for file in (line.directory / "control-plane").glob("*.db*")}
    await start_control_plane(line)
    await heard_of(line)
    return store


async def restore(line: Line, store: Store) -> None:
    """Start the control plane anew with an older store."""
    await line.control_plane.stop()
    for file in (line.directory / "control-plane").glob("*.db*"):
        file.unlink()
    for file, content in store.items():
        file.write_bytes(content)
    await start_control_plane(line)


async def heard_of(line: Line) -> None:
    """Wait for another heartbeat, of another second than the last one: a witness of what comes before it."""

    async def last() -> str:
        return str((await line.sync_target())["status"]["lastSyncerHeartbeatTime"])

    before = await last()

    async def later() -> bool:
        return await last() != before

    await eventually(later)


async def let_through(line: Line, count: int, *, of: int) -> dict[str, str]:
    """Wait until the deletions that are within the limit, which may be under way when it is told, have arrived.

    What is there then, some time later: no more have gone.
    """

    async def arrived() -> bool:
        return len(await copies(line)) == of - count

    await eventually(arrived)
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("meanwhile"))

    async def goes_on() -> dict[str, str] | None:
        found = await copies(line)
        return found if "meanwhile" in found else None

    left: dict[str, str] = await eventually(goes_on)
    assert len(left) == of - count + 1
    return left


async def refused(line: Line, times: int) -> None:
    """Wait until the control plane has refused the syncer so often since now: a syncer that is wrong does damage."""

    def refusals() -> float:
        lines = line.control_plane.metrics.render().decode().splitlines()
        return sum(
            float(each.rpartition(" ")[2]) for each in lines if each.startswith('apiserver_request_total{code="401"')
        )

    before = refusals()

    async def enough() -> bool:
        return refusals() >= before + times

    await eventually(enough)


async def test_a_restarted_control_plane_changes_nothing_downstream(durable_line: Line) -> None:
    line = durable_line
    before = await fill(line, 5)
    await restart_control_plane(line, empty=False)
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    await maps.create(config_map("later"))

    async def synced() -> bool:
        return "later" in await copies(line)

    await eventually(synced)
    after = await copies(line)
    after.pop("later")
    assert after == before


async def test_an_emptied_control_plane_deletes_nothing_downstream(durable_line: Line) -> None:
    """A hub that lost its data answers 404 or 401 to everything, which is no reason to delete."""
    line = durable_line
    before = await fill(line, 5)
    await restart_control_plane(line, empty=True)
    await refused(line, 40)  # Every informer has been sent away more than once.
    assert await copies(line) == before
    await line.stop_agent()
    line.start_agent()
    await refused(line, 3)
    assert await copies(line) == before


async def test_a_control_plane_restored_from_an_older_copy_deletes_nothing(durable_line: Line) -> None:
    """What it knows nothing of yet stays below, it is said, and a person's leave lets it go."""
    line = durable_line
    await fill(line, 3)
    older = await backed_up(line)
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    for number in range(3):
        await maps.create(config_map(f"newer{number}"))

    async def all_there() -> bool:
        return len(await copies(line)) == 7

    await eventually(all_there)
    before = await copies(line)
    await restore(line, older)
    condition = await eventually(lambda: held(line))
    assert condition["reason"] == "ControlPlaneBehind"
    assert await copies(line) == before
    await line.workspace.resource(SYNC_TARGETS).patch("west", LEAVE)

    async def gone() -> bool:
        return len(await copies(line)) == 4

    await eventually(gone)


async def test_a_restored_control_plane_that_has_come_some_way_again_deletes_nothing(durable_line: Line) -> None:
    """It is past what one copy was made from, and not yet what another was: nothing that it says counts."""
    line = durable_line
    await fill(line, 1)
    older = await backed_up(line)
    for object_name in ("first", "last"):
        await line.workspace.resource(CONFIG_MAPS, "web").create(config_map(object_name))

        async def is_there(object_name: str = object_name) -> bool:
            return object_name in await copies(line)

        await eventually(is_there)
        await written(line, 200)
    made_from = {name(each): int(annotations_of(each)[REVISION_ANNOTATION]) for each in await line.copies(CONFIG_MAPS)}
    await line.stop_agent()
    before = await copies(line)
    await restore(line, older)
    while await written(line, 1) <= made_from["first"]:
        pass
    assert await written(line, 1) < made_from["last"]
    line.start_agent()
    condition = await eventually(lambda: held(line))
    assert condition["reason"] == "ControlPlaneBehind"
    assert await copies(line) == before


async def test_what_a_restored_control_plane_has_not_is_found_although_it_came_past_it(durable_line: Line) -> None:
    """Its watches go on from where they were, and say nothing of what vanished: so all is listed anew."""
    line = durable_line
    await fill(line, 1)
    older = await backed_up(line)
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("vanishes"))

    async def is_there() -> bool:
        return "vanishes" in await copies(line)

    await eventually(is_there)
    reached = await written(line, 1)
    await restore(line, older)
    await written(line, reached)
    await eventually(lambda: held(line))
    await line.workspace.resource(SYNC_TARGETS).patch("west", LEAVE)

    async def gone() -> bool:
        return not await is_there()

    await eventually(gone)


async def written(line: Line, times: int) -> int:
    """Write so often what no syncer sees; the resourceVersion that the control plane has come to."""
    roles = line.workspace.resource(PLURALS["ClusterRole"])
    try:
        live = await roles.create({**ROLE, "rules": []})
    except AlreadyExists:
        live = await roles.get(name(ROLE))
    for _ in range(times):
        live = await roles.patch(name(ROLE), {"metadata": {"annotations": {"count": resource_version(live)}}})
    return int(resource_version(live))


async def test_a_syncer_that_is_refused_upstream_deletes_nothing(line: Line) -> None:
    """Its account is gone, as after a rotation that went wrong: it keeps what is there, and asks again."""
    before = await fill(line, 5)
    accounts = line.workspace.resource(GroupVersionResource("", "v1", "serviceaccounts"), "default")
    account = next(name(each) for each in (await accounts.list_all())[0] if "syncer" in name(each))
    await accounts.delete(account)
    await refused(line, 3)
    await line.stop_agent()
    line.start_agent()
    await refused(line, 3)
    assert await copies(line) == before


async def test_a_pcluster_that_refuses_its_syncer_is_not_ready(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat goes on, so a condition has to say it; and it is taken back by itself."""
    monkeypatch.setattr(follow, "UNREACHABLE_SECONDS", 0.0)
    before = await fill(line, 3)
    await line.stop_agent()
    line.pcluster.faults.set(FaultSettings(error_share=1))
    line.start_agent()

    async def unreachable() -> bool:
        condition = get_condition(await line.sync_target(), "SyncerReady") or {}
        return condition.get("reason") == "PClusterUnreachable"

    await eventually(unreachable)
    line.pcluster.faults.set(FaultSettings())

    async def ready() -> bool:
        return is_true(await line.sync_target(), "SyncerReady") and is_true(await line.sync_target(), "Ready")

    await eventually(ready)
    assert await copies(line) == before


async def test_objects_that_vanish_unmarked_are_deleted_but_not_in_masses(line: Line) -> None:
    """Someone tears off finalizers: a few copies go, then the syncer holds and says so until a person allows it."""
    await fill(line, 30)
    await line.stop_agent()
    maps = line.workspace.resource(CONFIG_MAPS, "web")

    async def vanish(object_name: str) -> bool:
        await maps.delete(object_name)
        await maps.patch(object_name, {"metadata": {"finalizers": None}})
        return True

    for number in range(20):
        await eventually(lambda number=number: vanish(f"m{number}"))
    # However seldom it looks at the pcluster's APIs: a leave is heard at once.
    line.options = replace(line.options, api_import_poll_seconds=3600)
    line.start_agent()

    condition = await eventually(lambda: held(line))
    assert condition["reason"] == "DeletionsHeld"
    await let_through(line, 10, of=31)
    await line.workspace.resource(SYNC_TARGETS).patch("west", LEAVE)

    async def gone() -> bool:
        return len(await copies(line)) == 31 - 20 + 1

    await eventually(gone)

    async def used_up() -> bool:
        found = await line.sync_target()
        return ALLOW_DELETIONS_ANNOTATION not in annotations_of(found) and is_true(found, "DeletionsAllowed")

    await eventually(used_up)

    async def told() -> bool:
        events, _ = await line.workspace.resource(EVENTS, "default").list_all()
        return {"DeletionsHeld", "DeletionsAllowed"} <= {each["reason"] for each in events}

    await eventually(told)


async def test_a_mass_of_marks_is_held_over_a_restart_of_the_syncer(line: Line) -> None:
    """Somebody deletes a namespace: what is above the limit stays, whoever starts the syncer again."""
    await fill(line, 30)
    await line.stop_agent()
    line.options = replace(line.options, brake=BrakeSettings(share=0.2, count=5))
    line.start_agent()
    for number in range(30):
        await line.workspace.resource(CONFIG_MAPS, "web").delete(f"m{number}")
    await eventually(lambda: held(line))
    left = await let_through(line, 6, of=31)
    await line.stop_agent()
    line.start_agent()

    async def beaten() -> bool:
        return (await line.sync_target())["status"]["lastSyncerHeartbeatTime"] > before

    before = (await line.sync_target())["status"]["lastSyncerHeartbeatTime"]
    await eventually(beaten)
    assert await copies(line) == left
    assert await held(line)
    await line.workspace.resource(SYNC_TARGETS).patch("west", LEAVE)

    async def gone() -> bool:
        return set(await copies(line)) == {"kcp-root-ca.crt", "meanwhile"}

    await eventually(gone)


async def test_a_drain_passes(line: Line) -> None:
    """Marks on a target that its owner drains are asked for, however many there are."""
    await fill(line, 30)
    await line.stop_agent()
    line.options = replace(line.options, brake=BrakeSettings(share=0.0, count=1))
    await line.workspace.resource(SYNC_TARGETS).patch(
        "west", {"spec": {"unschedulable": True, "taints": [{"key": "repair", "effect": "NoExecute"}]}}
    )
    line.start_agent()
    for number in range(30):
        await line.workspace.resource(CONFIG_MAPS, "web").delete(f"m{number}")

    async def gone() -> bool:
        return len(await copies(line)) <= 1

    await eventually(gone)
    assert not await held(line)
