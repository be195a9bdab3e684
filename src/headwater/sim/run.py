"""The process `headwater sim`: a fleet that runs until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable

from headwater.base.collector import expect_many_objects
from headwater.sim.fleet import Fleet, FleetOptions


def _say_nothing(_fleet: Fleet) -> None:
    return None


async def run(options: FleetOptions, *, on_ready: Callable[[Fleet], None] = _say_nothing) -> None:
    """Start a fleet, call `on_ready` with it, and run until cancelled; then stop cleanly.

    Raises StartError with a one-line message when it can't start.
    """
    fleet = Fleet(options)
    await fleet.start()
    expect_many_objects()
    try:
        on_ready(fleet)
        await fleet.wait()
    finally:
        await fleet.stop()
