"""Long work on the event loop in short slices, with pauses that leave the loop to others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from headwater.base.clock import Clock

_STEPS: Final = 64
_PAUSE_SECONDS: Final = 0.02


async def in_slices(work: Iterable[None], clock: Clock) -> None:
    """Take all steps of a work; a step should take some ten microseconds."""
    steps = iter(work)
    while sum(1 for _ in islice(steps, _STEPS)) == _STEPS:
        await clock.sleep(_PAUSE_SECONDS)
