"""When a syncer writes to its SyncTarget: heartbeats, and what doesn't wait for the next one."""

from __future__ import annotations

import asyncio

from tests.integration.scheduling.ground import Ground, eventually

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.informer import InformerFactory
from headwater.controller.events import EventRecorder
from headwater.machinery.objects import Object, uid
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.workload.synctarget.controller import SyncTargetController
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


async def test_what_is_requested_is_looked_at_every_two_seconds_at_most(ground: Ground) -> None:
    """However many workloads come and go; what a single one changes is written two seconds later."""
    space = await ground.workspace("west", compute=False)
    key = await space.target("one", ready=False)
    await eventually(
        lambda: space.resource(SYNC_TARGETS).get("one"), lambda obj: obj["status"].get("requested") is not None
    )
    clock, looked = ManualClock(), list[float]()

    def requested(_: str) -> None:
        """Nothing is known, so that nothing is written beside the control plane's own controller."""
        looked.append(clock.monotonic())

    async def times() -> list[float]:
        return looked

    informers = InformerFactory(ground.client, clock=ground.clock)
    fleet = await Fleet.open(ground.client, informers, clock)
    events = EventRecorder(ground.client, component="test", clock=clock)
    controller = SyncTargetController(fleet, heartbeat_threshold_seconds=60, events=events, requested=requested)
    async with TaskGroup("beside") as group:
        group.start(informers.run(), name="informers")
        group.start(controller.run(), name="controller")
        await eventually(times, bool)
        for second, changes in ((2.0, 100), (4.0, 1), (6.0, 10)):
            for _ in range(changes):
                controller.requested_changed(key)
                await asyncio.sleep(0)
            await eventually(times, lambda _: clock.sleeping)
            clock.advance(1.5)
            controller.requested_changed(key)
            await eventually(times, lambda _: clock.sleeping)
            clock.advance(0.5)
            await eventually(times, lambda found, second=second: found[-1] == second)
        assert looked[-3:] == [2.0, 4.0, 6.0]
        assert set(looked[:-3]) == {0.0}, "when it was seen first"
        group.cancel()
