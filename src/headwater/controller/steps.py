"""Ordered steps of one reconcile pass, each with one concern."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.controller.interface import Result
from headwater.machinery.objects import Object


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass goes on after a step: to the next one, or not; and when to come again."""

    stop: bool = False
    requeue_after_seconds: float | None = None


CONTINUE: Final = Outcome()
STOP: Final = Outcome(stop=True)
"""The object was changed enough for one pass; the event of the change starts the next."""

Step = Callable[[Object], Outcome | Awaitable[Outcome | None] | None]
"""Changes the given object, which is the pass's own copy. None means CONTINUE."""


def requeue_after(seconds: float, *, stop: bool = False) -> Outcome:
    """Come again after this many seconds."""
    return Outcome(stop, seconds)


async def run_steps(steps: Sequence[Step], obj: Object) -> Result:
    """Run steps on an object until one stops the pass. Of several requeue times the shortest counts."""
    soonest: float | None = None
    for step in steps:
        answer = step(obj)
        outcome = (await answer if inspect.isawaitable(answer) else answer) or CONTINUE
        seconds = outcome.requeue_after_seconds
        if seconds is not None:
            soonest = seconds if soonest is None else min(soonest, seconds)
        if outcome.stop:
            break
    return Result(requeue_after_seconds=soonest)
