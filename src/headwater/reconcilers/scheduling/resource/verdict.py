"""What people are told of a workload's scheduling: a condition, and the causes of its moves (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object, name
from headwater.scheduling.filters import REASON_INSUFFICIENT_CAPACITY, reject
from headwater.scheduling.workload import Assignment, Workload
from headwater.scheduling.world import World

CONDITION_SCHEDULED: Final = "Scheduled"
REASON_NO_PLACEMENT: Final = "NoPlacement"
REASON_PLACEMENT_NOT_READY: Final = "PlacementNotReady"
REASON_NO_VALID_TARGET: Final = "NoValidTarget"
REASON_TOO_FEW_TARGETS: Final = "TooFewTargets"


class Verdict(NamedTuple):
    """Status, reason and message of a workload's condition `Scheduled`."""

    status: str
    reason: str
    message: str

    def stands_on(self, obj: Object) -> bool:
        """Whether the object's condition says this already."""
        known = get_condition(obj, CONDITION_SCHEDULED) or {}
        return (known.get("status"), known.get("reason", ""), known.get("message", "")) == self


def undecided(placements: Sequence[Object]) -> Verdict:
    """For a workload of which nothing can be decided, since its Placements can't be read or weren't read yet."""
    names = ", ".join(name(each) for each in placements)
    return Verdict("Unknown", REASON_PLACEMENT_NOT_READY, f"see the condition Ready of Placement {names}")


def verdict(assignment: Assignment, placements: Sequence[Object], target_name: Callable[[str], str]) -> Verdict:
    """The condition for an assignment. Never True without a target."""
    if not placements:
        return Verdict(
            "False", REASON_NO_PLACEMENT, "no Placement selects this workload; `headwater bind compute` makes one"
        )
    names = ", ".join(sorted(target_name(key) or key for key in assignment.shares))
    if assignment.shares and not assignment.unplaced:
        return Verdict("True", "", f"on {names}")
    reason, why = _reasons(assignment)
    if not assignment.shares:
        return Verdict("False", reason, why or "no SyncTarget can be used")
    lacking = f"on {names}; {assignment.unplaced} replicas are not placed"
    return Verdict("False", reason, f"{lacking}: {why}" if why else lacking)


def _reasons(assignment: Assignment) -> tuple[str, str]:
    """One CamelCase reason for all, and the sentences without the reason that each begins with."""
    parted = [sentence.partition(": ") for sentence in assignment.reasons]
    why = "; ".join(rest or first for first, _, rest in parted)
    if any(first == REASON_INSUFFICIENT_CAPACITY for first, _, _ in parted):
        return REASON_INSUFFICIENT_CAPACITY, why
    return (REASON_TOO_FEW_TARGETS if assignment.shares else REASON_NO_VALID_TARGET), why


def cause_of_move(
    world: World, workload: Workload, shares: Sequence[str], placements: Sequence[Object], now: datetime
) -> str:
    """Why a workload is placed, or moves away from where it was: what speaks against each target that it leaves."""
    left = [key for key in workload.current if key not in shares]
    names = ", ".join(name(each) for each in placements)
    if not left:
        return f"placed by {names}" if not workload.current else f"more targets by {names}"
    causes = []
    for key in left:
        target = world.target(key)
        policies = [policy for uid in workload.policies if (policy := world.policy(uid)) is not None]
        if target is None:
            causes.append("its SyncTarget is gone")
            continue
        found = [reject(target, policy, now, in_use=True) for policy in policies]
        against = next((each for each in found if each is not None), None)
        causes.append(
            against.message if against else f"SyncTarget {target.name} is no longer chosen by {names or 'any'}"
        )
    return "; ".join(causes)
