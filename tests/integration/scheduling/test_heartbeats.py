"""When a syncer writes to its SyncTarget: heartbeats, and what doesn't wait for the next one."""

from __future__ import annotations

import asyncio

from tests.integration.scheduling.ground import Ground, eventually

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object, uid
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.target.heartbeat import Heartbeat


async def test_changes_bring_a_heartbeat_forward_but_not_more_often_than_every_two_seconds(ground: Ground) -> None:
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False)
    targets = space.resource(SYNC_TARGETS)
    clock = ManualClock()
    wanted: Object = {}
    written: list[float] = []

    def changes() -> Object:
        return {"allocatable": dict(wanted)} if wanted else {}

    async def beats(count: int) -> None:
        """Wait until so many heartbeats were made, and the next one is waited for."""

        async def made() -> int:
            return len(written)

        await eventually(made, lambda found: found == count and clock.sleeping == 1)

    class Counted(Heartbeat):
        async def beat(self) -> bool:
            taken = await super().beat()
            wanted.clear()
            written.append(clock.monotonic())
            return taken

    identity = TargetIdentity(space.cluster, "one", uid(await targets.get("one")))
    heartbeat = Counted(
        identity=identity,
        workspace=space.client,
        downstream=space.client,
        activity=Activity(clock),
        changes=changes,
        interval_seconds=20,
        clock=clock,
    )
    task = asyncio.create_task(heartbeat.run())
    await beats(1)
    for cpu in ("1", "2", "3"):
        wanted["cpu"] = cpu
        clock.advance(0.5)
        await beats(1)
    clock.advance(0.5)
    await beats(2)
    assert (await targets.get("one"))["status"]["allocatable"] == {"cpu": "3"}
    for _ in range(10):
        clock.advance(2)
        await asyncio.sleep(0)
        await eventually(lambda: asyncio.sleep(0, clock.sleeping), bool)
    await beats(3)
    assert written == [0, 2, 22]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
