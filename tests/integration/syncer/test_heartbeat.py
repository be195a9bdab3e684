"""Heartbeats: spread over time, and a witness of a control plane that went back."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from tests.integration.servers import eventually
from tests.integration.syncer.conftest import Line

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import ManualClock
from headwater.client.interface import TransportError
from headwater.client.resource import ResourceClient
from headwater.machinery.objects import Object, uid
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.target.heartbeat import Heartbeat


def nothing() -> Object:
    """No changes to report."""
    return {}


def heartbeat(line: Line, clock: ManualClock, seed: int, went_back: list[str], uid_: str = "") -> Heartbeat:
    """A heartbeat of the line's SyncTarget by an administrator's client."""
    identity = TargetIdentity(line.cluster, line.options.sync_target_name, uid_ or line.options.sync_target_uid)
    return Heartbeat(
        identity=identity,
        workspace=line.workspace,
        downstream=line.downstream,
        activity=Activity(clock),
        changes=nothing,
        interval_seconds=20,
        clock=clock,
        went_back=lambda _: went_back.append("back"),
        source=random.Random(seed),
    )


async def test_an_older_heartbeat_is_a_sign_of_a_restored_control_plane(line: Line) -> None:
    """Whatever revision it has reached since: what was acknowledged is not there any more."""
    await line.stop_agent()
    clock, went_back = ManualClock(), list[str]()
    beating = heartbeat(line, clock, 1, went_back)
    assert await beating.beat()
    clock.advance(20)
    assert await beating.beat()
    assert not went_back
    older = {"status": {"lastSyncerHeartbeatTime": "2020-01-01T00:00:00Z"}}
    await line.workspace.resource(SYNC_TARGETS).patch_status("west", older)
    assert await beating.beat()
    assert went_back == ["back"]


async def test_a_clock_that_jumps_is_no_sign(line: Line) -> None:
    """Our own time goes back, or far ahead: what counts is what was acknowledged."""
    await line.stop_agent()
    went_back: list[str] = []
    clock = ManualClock()
    beating = heartbeat(line, clock, 1, went_back)
    for seconds in (20.0, -7200.0, 86400.0, -3600.0):
        clock.advance(seconds)
        assert await beating.beat()
    assert not went_back


async def test_one_that_was_taken_without_an_answer_is_ours(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when our clock was set back before it, and others got lost after it."""
    await line.stop_agent()
    clock, went_back = ManualClock(), list[str]()
    beating = heartbeat(line, clock, 1, went_back)
    assert await beating.beat()
    write = ResourceClient.patch_status

    async def unanswered(*args: Any) -> Object:
        if clock.monotonic() == -7200.0:
            await write(*args)
        raise TransportError("the connection was lost")

    monkeypatch.setattr(ResourceClient, "patch_status", unanswered)
    for seconds in (-7200.0, 20.0, 20.0):
        clock.advance(seconds)
        assert not await beating.beat()
    monkeypatch.undo()
    assert await beating.beat()
    assert not went_back


async def beats_of_many(line: Line) -> list[float]:
    """When forty syncers beat that started in the same instant, of which twenty are always refused.

    What a beat comes to is given, so that nothing here depends on how fast answers come.
    """
    clock, beats = ManualClock(), list[float]()

    def beating(seed: int, taken: bool) -> Heartbeat:
        each = heartbeat(line, clock, seed, [])

        async def beat() -> bool:
            beats.append(clock.monotonic())
            return taken

        each.beat = beat  # type: ignore[method-assign]
        return each

    tasks = [asyncio.create_task(beating(seed, seed < 20).run()) for seed in range(40)]

    async def resting() -> bool:
        return clock.sleeping == len(tasks)

    await eventually(resting)
    for _ in range(300):
        clock.advance(0.1)
        await eventually(resting)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return beats


async def test_heartbeats_of_many_syncers_spread(line: Line) -> None:
    """Forty that start in the same instant don't beat in the same instant again; nor do their retries."""
    beats = await beats_of_many(line)
    assert beats == await beats_of_many(line), "the same seeds are the same times"
    assert beats[:40] == [0.0] * 40
    later = Counter(beats[40:])
    assert max(later.values()) <= 8, "of forty that were in step, few share a tenth of a second"
    assert len(later) > 50


async def test_a_replaced_sync_target_takes_no_heartbeat(line: Line) -> None:
    await line.stop_agent()
    stranger = heartbeat(line, ManualClock(), 1, [], uid_="another")
    assert not await stranger.beat()
    assert stranger.last_error
    assert uid(await line.sync_target()) == line.options.sync_target_uid
