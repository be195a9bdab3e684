"""A day in which a syncer does not reach its control plane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.faults.proxy import FaultyProxy
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, Line, running_line
from tests.integration.syncer.owncredential import keep_own_credential, plan_with_token, strangers

from headwater.machinery.conditions import get_condition, is_true
from headwater.machinery.errors import Expired, Gone
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name, namespace, uid
from headwater.server.options import ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import credentials_workspace, syncer_workspace, upsyncer_workspace

DAY_SECONDS = 25 * 3600
EVENTS = GroupVersionResource("", "v1", "events")


async def copies(line: Line) -> dict[str, Object]:
    """The copies of namespace `web`, but for the root CA."""
    space = line.downstream_namespace("web")
    found = [each for each in await line.copies(CONFIG_MAPS) if namespace(each) == space]
    return {name(each): each for each in found if "root-ca" not in name(each)}


async def are_down(line: Line, *names: str) -> dict[str, Object]:
    """The copies, once they are exactly these."""

    async def all_there() -> dict[str, Object] | None:
        found = await copies(line)
        return found if set(found) == set(names) else None

    found: dict[str, Object] = await eventually(all_there)
    return found


async def is_told(line: Line, reason: str) -> None:
    """There is an Event on the SyncTarget."""

    async def told() -> bool:
        events, _ = await line.workspace.resource(EVENTS, "default").list_all()
        return any((each["reason"], each["involvedObject"]["name"]) == (reason, "west") for each in events)

    await eventually(told)


async def restart_control_plane(line: Line) -> None:
    """Stop the control plane and start it on the same port, with the same store and clock."""
    old = line.control_plane
    await old.stop()
    serving = ServingOptions(secure_port=int(old.url.rpartition(":")[2]), shutdown_grace_seconds=0.2)
    workspaces = (syncer_workspace, upsyncer_workspace, credentials_workspace)
    line.control_plane = ControlPlaneProcess(
        replace(old.options, serving=serving), virtual_workspaces=workspaces, clock=line.clock
    )
    await line.control_plane.start()
    line.workspace = line.control_plane.client.cluster(line.cluster)


async def test_nothing_is_lost_and_nothing_deleted(tmp_path: Path) -> None:
    """Its credential has ended and the history of its watches is gone. It keeps what there is until it is let in
    again, and then brings down what has happened, no more and no less.
    """
    clock = SkipClock()
    with FaultyProxy() as proxy:
        async with running_line(tmp_path, store="", clock=clock) as line:
            await keep_own_credential(line, proxy_url=proxy.url)
            line.start_agent()
            await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
            maps = line.workspace.resource(CONFIG_MAPS, "web")
            for each in ("kept", "changed", "doomed"):
                await maps.create(config_map(each))
            before = await are_down(line, "kept", "changed", "doomed")
            seen = (await maps.list())["metadata"]["resourceVersion"]

            proxy.set("cut")
            await maps.patch("changed", {"data": {"now": "other"}})
            await maps.delete("doomed")
            await maps.create(config_map("late"))
            for hour in ("noon", "night"):
                clock.skip(DAY_SECONDS / 2)
                await maps.patch("late", {"data": {"now": hour}})

            async def silent() -> bool:
                condition = get_condition(await line.sync_target(), "HeartbeatHealthy")
                return condition is not None and condition["status"] == "False"

            await eventually(silent)
            await is_told(line, "ErrorHeartbeat")
            await restart_control_plane(line)
            maps = line.workspace.resource(CONFIG_MAPS, "web")
            with pytest.raises((Expired, Gone)):
                async for _ in maps.watch(resource_version=seen, timeout_seconds=10):
                    pass
            refused = await strangers(line)
            proxy.set("pass")

            async def stays_outside() -> bool:
                return await strangers(line) >= refused + 3

            await eventually(stays_outside)
            assert await copies(line) == before, "who is not let in changes nothing"

            await plan_with_token(line, proxy_url=proxy.url)
            clock.skip(120)
            after = await are_down(line, "kept", "changed", "late")
            assert after["kept"] == before["kept"]
            assert uid(after["changed"]) == uid(before["changed"])

            async def current() -> bool:
                found = await copies(line)
                return found["changed"]["data"] == {"now": "other"} and found["late"]["data"] == {"now": "night"}

            await eventually(current)

            async def gone_above() -> bool:
                return "doomed" not in {name(each) for each in (await maps.list_all())[0]}

            await eventually(gone_above)

            async def healthy() -> bool:
                return is_true(await line.sync_target(), "HeartbeatHealthy")

            await eventually(healthy)
            await is_told(line, "HeartbeatHealthy")
