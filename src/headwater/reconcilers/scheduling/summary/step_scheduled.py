"""What the condition `Scheduled` of one object says (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.apis.workload.scheduled import (
    CONDITION_SCHEDULED,
    REASON_INSUFFICIENT_CAPACITY,
    REASON_NO_PLACEMENT,
    REASON_NO_VALID_TARGET,
    REASON_PLACEMENT_NOT_READY,
    REASON_SCHEDULED,
    scheduled_condition,
)
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.scheduling.workload import Assignment

_MAX_NAMES: Final = 8
_MAX_REASONS: Final = 3
_ADVICE: Final = {
    REASON_NO_VALID_TARGET: "`headwater explain` says what would admit each SyncTarget",
    REASON_INSUFFICIENT_CAPACITY: "ask for less, free capacity, or add a SyncTarget that the Placement allows",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision about one object, as far as the condition tells of it.

    `targets` are names of SyncTargets, `placements` names of the Placements that select the object, `unplaced` the
    replicas that have no place, `short` the targets that lack to `targets.min`, and `reasons` a sentence for each cause
    of that. `for_room` says that capacity is what is missing.
    """

    targets: Sequence[str]
    placements: Sequence[str]
    unplaced: int = 0
    reasons: Sequence[str] = ()
    for_room: bool = False
    short: int = 0


def outcome_of(assignment: Assignment, placements: Sequence[str], target_name: Callable[[str], str]) -> Outcome:
    """The outcome of an assignment, whose sentences begin with the reason.

    `target_name` gives the name of the SyncTarget with a key, empty for one that is gone.
    """
    running = [key for key, replicas in assignment.shares.items() if replicas] or assignment.shares
    names = sorted(filter(None, map(target_name, running)))
    for_room = any(each.startswith(REASON_INSUFFICIENT_CAPACITY) for each in assignment.reasons)
    return Outcome(names, placements, assignment.unplaced, assignment.reasons, for_room, assignment.short)


Verdict = tuple[str, str, str]
"""Status, reason and message of the condition."""


def undecided(placements: Sequence[str]) -> Verdict:
    """For an object of which nothing can be decided, since its Placements can't be read or weren't read yet."""
    names = _names(placements)
    return "Unknown", REASON_PLACEMENT_NOT_READY, f"see the condition Ready of Placement {names}"


def scheduled(outcome: Outcome) -> Verdict:
    """The condition. True only with enough targets and all replicas placed; otherwise it says what to do."""
    if not outcome.placements and not outcome.targets:
        return (
            "False",
            REASON_NO_PLACEMENT,
            "no Placement selects it; make one that does, or run `headwater bind compute`",
        )
    on = f"on {_names(outcome.targets)}"
    if outcome.targets and not (outcome.unplaced or outcome.short):
        return "True", REASON_SCHEDULED, on
    reason = REASON_INSUFFICIENT_CAPACITY if outcome.for_room else REASON_NO_VALID_TARGET
    missing = f"{outcome.unplaced} replicas have no place" if outcome.unplaced != 1 else "1 replica has no place"
    fewer = f"replicas run on {outcome.short} SyncTarget{'s' * (outcome.short > 1)} fewer than targets.min"
    lacks = " and ".join(part for part, holds in ((missing, outcome.unplaced), (fewer, outcome.short)) if holds)
    what = f"{on}; {lacks}" if outcome.targets else f"no SyncTarget of {_names(outcome.placements)} can run it"
    why = "; ".join(outcome.reasons[:_MAX_REASONS])
    return "False", reason, f"{what}{': ' if why else ''}{why}; {_ADVICE[reason]}"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def scheduled_entry(obj: Object, verdict: Verdict | None, now: datetime) -> Object | None:
    """The entry for the object's conditions: the one it has, unless there is something else to say.

    As everywhere in Kubernetes the time is that of the last change of status.
    """
    known = scheduled_condition(obj)
    if verdict is None:
        return known
    status, reason, message = verdict
    since = known["lastTransitionTime"] if known is not None and known.get("status") == status else format_time(now)
    return {
        "type": CONDITION_SCHEDULED,
        "status": status,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
