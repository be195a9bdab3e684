"""Clocks, backoff and identifiers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from headwater.base.backoff import Backoff
from headwater.base.clock import ManualClock, SystemClock
from headwater.base.ids import new_uid, random_suffix


async def test_sleepers_wake_in_order_when_time_passes_them() -> None:
    """The manual clock wakes exactly those whose time has come, earliest first."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    clock = ManualClock(start)
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (30, 10, 20)]
    while clock.sleeping < 3:
        await asyncio.sleep(0)
    clock.advance(20)
    await asyncio.gather(*tasks[1:])
    assert woken == [10, 20]
    assert clock.monotonic() == 20
    assert clock.now() == datetime(2026, 5, 1, 0, 0, 20, tzinfo=UTC)
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    clock.advance(60)
    assert clock.sleeping == 0


async def test_no_sleep_only_yields() -> None:
    """Zero or negative seconds never wait for the clock."""
    await ManualClock().sleep(0)
    await ManualClock().sleep(-1)
    await SystemClock().sleep(-1)


def test_system_clock_is_aware_and_monotonic() -> None:
    """Times of day are in UTC."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_backoff_grows_to_its_maximum_and_resets() -> None:
    """Delays double up to the maximum and start over after a success."""
    backoff = Backoff(1.0, factor=2.0, maximum=5.0, jitter=0.0)
    assert [backoff.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next() == 1.0


def test_jitter_only_adds() -> None:
    """Jitter spreads delays over the given share above the plain ones."""
    delays = [Backoff(1.0, jitter=0.5).next() for _ in range(200)]
    assert all(1.0 <= delay <= 1.5 for delay in delays)
    assert len(set(delays)) > 100


@pytest.mark.parametrize(("initial", "factor", "maximum"), [(0, 2, 10), (1, 0.5, 10), (2, 2, 1)])
def test_senseless_backoffs_are_refused(initial: float, factor: float, maximum: float) -> None:
    """A backoff that can't grow is a bug where it is made."""
    with pytest.raises(AssertionError):
        Backoff(initial, factor, maximum)


def test_identifiers() -> None:
    """UIDs are UUIDs; suffixes use Kubernetes' alphabet, which spells no words."""
    assert uuid.UUID(new_uid()).version == 4
    assert len(random_suffix()) == 5
    assert set(random_suffix(500)) <= set("bcdfghjklmnpqrstvwxz2456789")
