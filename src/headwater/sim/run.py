"""The process `headwater sim`: a fleet that runs until it is told to stop."""

from __future__ import annotations

import gc
from collections.abc import Callable

from headwater.sim.fleet import Fleet, FleetOptions

# Objects held in caches are many and have no cycles: looking through them all the time took a sixth of the CPU.
_COLLECTOR_THRESHOLDS = (100_000, 50, 100)


def _say_nothing(_fleet: Fleet) -> None:
    return None


async def run(options: FleetOptions, *, on_ready: Callable[[Fleet], None] = _say_nothing) -> None:
    """Start a fleet, call `on_ready` with it, and run until cancelled; then stop cleanly.

    Raises StartError with a one-line message when it can't start.
    """
    fleet = Fleet(options)
    await fleet.start()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    try:
        on_ready(fleet)
        await fleet.wait()
    finally:
        await fleet.stop()
