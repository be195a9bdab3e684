"""Controllers: retries, requeues, workers."""

from __future__ import annotations

import asyncio

import pytest

from headwater.base.clock import ManualClock
from headwater.client.interface import TransportError
from headwater.controller import Controller, Result, Terminal
from headwater.machinery.errors import Conflict, from_code
from headwater.telemetry.metrics import Registry


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def run_until_idle(controller: Controller, clock: ManualClock, *, steps: int = 50) -> None:
    """Run a controller, moving time on until its queue is idle."""
    running = asyncio.ensure_future(controller.run())
    await settle()
    for _ in range(steps):
        if controller.queue.idle:
            break
        clock.advance(5)
        await settle()
    controller.queue.shut_down()
    await running


@pytest.mark.parametrize(
    "error", [Conflict("changed"), TransportError("reset"), TimeoutError(), RuntimeError("bug")], ids=repr
)
async def test_errors_are_tried_again(error: Exception) -> None:
    """Any error puts the key back, a bug in the reconcile function included."""
    clock, calls = ManualClock(), 0

    async def reconcile(key: str) -> None:
        nonlocal calls
        calls += 1
        if calls < 6:
            raise error

    controller = Controller("c", reconcile=reconcile, clock=clock)
    controller.enqueue("a")
    await run_until_idle(controller, clock)
    assert calls == 6
    assert controller.queue.failures("a") == 0


async def test_a_cancellation_of_what_it_waits_for_is_an_error() -> None:
    """Nobody has cancelled the worker itself: it goes on, and the key comes again."""
    clock, calls = ManualClock(), 0

    async def reconcile(key: str) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            shared = asyncio.get_running_loop().create_future()
            shared.cancel()
            await shared

    controller = Controller("c", reconcile=reconcile, clock=clock, workers=1)
    controller.enqueue("a")
    await run_until_idle(controller, clock)
    assert calls == 3


@pytest.mark.parametrize("error", [TransportError("refused"), from_code(502, "bad gateway")], ids=repr)
async def test_after_an_hour_without_an_answer_it_takes_no_minute(error: Exception) -> None:
    """Nothing else would bring the key back when the server is there again: it has not changed."""
    clock, done = ManualClock(), asyncio.Event()

    async def reconcile(key: str) -> None:
        if clock.monotonic() < 3600:
            raise error
        done.set()

    controller = Controller("c", reconcile=reconcile, clock=clock)
    running = asyncio.ensure_future(controller.run())
    controller.enqueue("a")
    while clock.monotonic() < 3640:
        await settle()
        clock.advance(10)
    await settle()
    assert done.is_set()
    controller.queue.shut_down()
    await running


async def test_terminal_is_not_tried_again() -> None:
    clock, calls = ManualClock(), 0

    async def reconcile(key: str) -> None:
        nonlocal calls
        calls += 1
        raise Terminal("no use")

    controller = Controller("c", reconcile=reconcile, clock=clock)
    controller.enqueue("a")
    await run_until_idle(controller, clock)
    assert calls == 1


async def test_requeue_after() -> None:
    """A key that asks for it comes again by itself, at its time."""
    clock, times = ManualClock(), []

    async def reconcile(key: str) -> Result | None:
        times.append(clock.monotonic())
        return Result(requeue_after_seconds=30) if len(times) < 3 else None

    controller = Controller("c", reconcile=reconcile, clock=clock, registry=Registry())
    controller.enqueue_after("a", 10)
    await run_until_idle(controller, clock)
    assert times == [10, 40, 70]


async def test_keys_are_worked_on_side_by_side_but_never_twice_at_once() -> None:
    clock, active, most = ManualClock(), set(), 0
    release = asyncio.Event()

    async def reconcile(key: str) -> None:
        nonlocal most
        assert key not in active
        active.add(key)
        most = max(most, len(active))
        await release.wait()
        active.discard(key)

    controller = Controller("c", reconcile=reconcile, workers=3, clock=clock)
    running = asyncio.ensure_future(controller.run())
    for key in "abcd":
        controller.enqueue(key)
    await settle()
    for key in "abcd":
        controller.enqueue(key)
    await settle()
    release.set()
    await settle()
    controller.queue.shut_down()
    await running
    assert most == 3


async def test_cancellation_ends_the_workers() -> None:
    async def reconcile(key: str) -> None:
        await asyncio.get_running_loop().create_future()

    controller = Controller("c", reconcile=reconcile)
    controller.enqueue("a")
    running = asyncio.ensure_future(controller.run())
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
