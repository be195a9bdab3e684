"""When a heartbeat is tried again."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from headwater.base.clock import ManualClock
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Transport
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
