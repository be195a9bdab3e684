"""Work queues: dedup, order, delays, shutdown."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base.clock import ManualClock
from headwater.client.workqueue import QueueClosed, WorkQueue
from headwater.telemetry.metrics import Registry


async def settle() -> None:
    """Let tasks run until nothing more happens."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_waiting_key_is_not_added_again() -> None:
    queue = WorkQueue("q")
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_it_is_worked_on_comes_back_when_done() -> None:
    queue = WorkQueue("q")
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(key)
    assert await queue.get() == "a"
    queue.done("a")
    assert queue.idle


async def test_shut_down_ends_waiting_workers_after_the_last_key() -> None:
    queue = WorkQueue("q")
    waiting = asyncio.ensure_future(queue.get())
    await settle()
    queue.shut_down()
    with pytest.raises(QueueClosed):
        await waiting
    queue.add("late")
    with pytest.raises(QueueClosed):
        await queue.get()


async def test_keys_waiting_at_shut_down_are_still_given_out() -> None:
    queue = WorkQueue("q")
    queue.add("a")
    queue.shut_down()
    assert await queue.get() == "a"


async def test_a_cancelled_worker_does_not_swallow_a_key() -> None:
    queue = WorkQueue("q")
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await settle()
    queue.add("a")
    first.cancel()
    await settle()
    assert await second == "a"
    third = asyncio.ensure_future(queue.get())
    await settle()
    third.cancel()
    await settle()
    queue.add("b")
    assert await queue.get() == "b"


async def test_delayed_keys_come_when_due_and_the_shortest_delay_counts() -> None:
    clock = ManualClock()
    queue = WorkQueue("q", clock=clock)
    running = asyncio.ensure_future(queue.run())
    queue.add_after("late", 10)
    queue.add_after("late", 20)
    queue.add_after("soon", 5)
    queue.add_after("late", 2)
    queue.add_after("now", 0)
    assert len(queue) == 1
    await settle()
    clock.advance(2)
    await settle()
    assert [await queue.get(), await queue.get()] == ["now", "late"]
    clock.advance(3)
    await settle()
    assert await queue.get() == "soon"
    clock.advance(100)
    await settle()
    assert len(queue) == 0
    queue.shut_down()
    await running


async def test_failures_back_off_until_forgotten() -> None:
    clock = ManualClock()
    queue = WorkQueue("q", clock=clock)
    running = asyncio.ensure_future(queue.run())
    for expected in (0.005, 0.01, 0.02):
        queue.add_rate_limited("a")
        await settle()
        clock.advance(expected * 0.99)
        await settle()
        assert len(queue) == 0
        clock.advance(expected * 0.02)
        await settle()
        queue.done(await queue.get())
    assert queue.failures("a") == 3
    queue.forget("a")
    assert queue.failures("a") == 0
    queue.shut_down()
    await running


async def test_metrics() -> None:
    registry, clock = Registry(), ManualClock()
    queue = WorkQueue("q", clock=clock, registry=registry)
    queue.add("a")
    clock.advance(2)
    await queue.get()
    clock.advance(3)
    text = registry.render().decode()
    assert 'workqueue_adds_total{name="q"} 1' in text
    assert 'workqueue_depth{name="q"} 0' in text
    assert 'workqueue_unfinished_work_seconds{name="q"} 3' in text
    assert 'workqueue_queue_duration_seconds_sum{name="q"} 2' in text
    queue.done("a")
    assert 'workqueue_work_duration_seconds_sum{name="q"} 3' in registry.render().decode()


@given(st.lists(st.tuples(st.sampled_from(["add", "get", "done"]), st.sampled_from("abc")), max_size=40))
async def test_no_key_is_worked_on_twice_at_once_and_none_is_lost(actions: list[tuple[str, str]]) -> None:
    """Whatever the order of calls: a key is never out twice, and every add is followed by a get."""
    queue = WorkQueue("q")
    out: set[str] = set()
    owed: set[str] = set()
    for action, key in actions:
        if action == "add":
            queue.add(key)
            owed.add(key)
        elif action == "get" and len(queue):
            got = await queue.get()
            assert got not in out
            out.add(got)
            owed.discard(got)
        elif action == "done" and key in out:
            queue.done(key)
            out.discard(key)
    for key in list(out):
        queue.done(key)
    while len(queue):
        key = await queue.get()
        owed.discard(key)
        queue.done(key)
    assert not owed
    assert queue.idle


@pytest.mark.parametrize("steps", range(6))
async def test_a_clock_that_moves_while_a_delay_begins_is_not_missed(steps: int) -> None:
    """Wherever the queue is between hearing of a delay and sleeping over it."""
    clock = ManualClock()
    queue = WorkQueue("q", clock=clock)
    running = asyncio.ensure_future(queue.run())
    await settle()
    queue.add_after("a", 10)
    for _ in range(steps):
        await asyncio.sleep(0)
    clock.advance(10)
    await settle()
    assert len(queue) == 1
    queue.shut_down()
    await running
