"""When a heartbeat is tried again, and what it finds where the last one should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from headwater.base import jsonio
from headwater.base.clock import ManualClock
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import RawResponse, Transport
from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.target.heartbeat import Heartbeat


class Refused(Heartbeat):
    """Heartbeats that are never taken, and when they were tried."""

    def __init__(self, clock: ManualClock, interval_seconds: float) -> None:
        nowhere = ClusterClient(cast("Transport", None)).cluster("")
        super().__init__(
            identity=TargetIdentity("home", "west", "u"),
            workspace=nowhere,
            downstream=nowhere,
            activity=Activity(clock),
            changes=dict,
            interval_seconds=interval_seconds,
            clock=clock,
        )
        self.tries: list[float] = []

    async def beat(self) -> bool:
        self.tries.append(self._clock.monotonic())
        return False


@pytest.mark.parametrize(("interval", "latest"), [(1.0, 3.0), (4.0, 10.0), (20.0, 10.0)])
async def test_a_refused_one_is_tried_again_before_the_next_is_due(interval: float, latest: float) -> None:
    """So some that are lost one after the other, of a pcluster that answers wrongly now and then, are no silence."""
    clock = ManualClock()
    heartbeat = Refused(clock, interval)
    task = asyncio.create_task(heartbeat.run())
    while len(heartbeat.tries) < 4:
        for _ in range(5):
            await asyncio.sleep(0)
        clock.advance(0.05)
    task.cancel()
    assert heartbeat.tries[1] - heartbeat.tries[0] <= interval / 2 + 0.1
    assert heartbeat.tries[3] - heartbeat.tries[0] <= latest


class Plane:
    """A control plane with one SyncTarget, which takes patches of it while ``takes``, and a pcluster that answers."""

    def __init__(self) -> None:
        self.target: Object = {"metadata": {"name": "west", "uid": "u"}, "status": {}}
        self.takes = True

    async def request(self, method: str, path: str, *, body: bytes = b"", **_: object) -> RawResponse:
        if method == "PATCH":
            if not self.takes:
                return RawResponse(503, {}, b"busy")
            self.target["status"].update(jsonio.loads(body)["status"])
        return RawResponse(200, {}, jsonio.dumps({} if path == "/version" else self.target))


@pytest.fixture
def plane() -> Plane:
    """It has no heartbeat yet."""
    return Plane()


def beating(plane: Plane, clock: ManualClock, went_back: Callable[[float], None]) -> Heartbeat:
    client = ClusterClient(cast("Transport", plane)).cluster("")
    return Heartbeat(
        identity=TargetIdentity("home", "west", "u"),
        workspace=client,
        downstream=client,
        activity=Activity(clock),
        changes=dict,
        interval_seconds=10,
        clock=clock,
        went_back=went_back,
    )


async def test_a_control_plane_that_went_back_is_told_of_once(plane: Plane) -> None:
    """All is listed anew then, which is not to be done for each try of a heartbeat that it does not take."""
    clock, told = ManualClock(), list[float]()
    heartbeat = beating(plane, clock, told.append)
    older = deep_copy(plane.target)
    assert await heartbeat.beat()
    taken = clock.monotonic()
    plane.target, plane.takes = deep_copy(older), False
    for _ in range(3):
        clock.advance(10)
        assert not await heartbeat.beat()
    assert told == [taken]
    plane.takes = True
    clock.advance(10)
    assert await heartbeat.beat()
    later = clock.monotonic()
    plane.target = deep_copy(older)
    clock.advance(10)
    assert await heartbeat.beat()
    assert told == [taken, later], "and again when it went back again"


async def test_a_sync_target_that_was_replaced_is_no_earlier_state(plane: Plane) -> None:
    """It has no heartbeat yet, and never one of ours."""
    clock, told = ManualClock(), list[float]()
    heartbeat = beating(plane, clock, told.append)
    assert await heartbeat.beat()
    plane.target, plane.takes = {"metadata": {"name": "west", "uid": "another"}, "status": {}}, False
    clock.advance(10)
    assert not await heartbeat.beat()
    assert not told
