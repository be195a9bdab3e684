"""A service ends normally when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from headwater.base.loop import run_service


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_cancels_and_returns(number: signal.Signals) -> None:
    """The service sees a cancellation, cleans up, and the program goes on to its end."""
    seen: list[str] = []

    async def service() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    run_service(service())
    assert seen == ["cleaned up"]


def test_cancellation_from_inside_is_an_error() -> None:
    async def service() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_service(service())
