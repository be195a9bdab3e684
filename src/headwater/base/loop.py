"""The entry into asyncio: uvloop where it is installed, the standard loop elsewhere."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run(main_coro: Coroutine[Any, Any, _T], *, debug: bool = False) -> _T:
    """Run a program's main coroutine to its end, and return its result."""
    with asyncio.Runner(loop_factory=_loop_factory(), debug=debug) as runner:
        return runner.run(main_coro)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop  # type: ignore[no-any-return, unused-ignore]


def run_service(main_coro: Coroutine[Any, Any, None]) -> None:
    """Run a program that goes on until it is told to stop: SIGTERM and SIGINT cancel it, which is a normal end."""

    async def until_signalled() -> None:
        task = asyncio.ensure_future(main_coro)
        loop = asyncio.get_running_loop()
        told: list[signal.Signals] = []

        def stop(received: signal.Signals) -> None:
            told.append(received)
            task.cancel()

        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop, each)
        try:
            await task
        except asyncio.CancelledError:
            if not told:
                raise

    run(until_signalled())
