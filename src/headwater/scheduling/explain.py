"""Why a workload is where it is: for every target all that speaks against it, how it ranks, and what would admit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headwater.machinery.amounts import quantity_of
from headwater.machinery.timestamps import format_time
from headwater.scheduling.arrays import micros, where
from headwater.scheduling.assign import assignment_of
from headwater.scheduling.choosing import Choice, Filler, choices_for, fewest
from headwater.scheduling.filling import evenness
from headwater.scheduling.filters import (
    REASON_ENOUGH,
    REASON_EVICTING,
    REASON_INSUFFICIENT_CAPACITY,
    REASON_LOCATION_NOT_SELECTED,
    REASON_MASS_LOSS,
    REASON_NO_WEIGHT,
    REASON_NOT_READY,
    REASON_SPREAD,
    REASON_TAINTED,
    REASON_TARGET_NOT_SELECTED,
    reasons_against,
)
from headwater.scheduling.home import mass_loss, spared, weighted
from headwater.scheduling.lacking import REASON_STAYING, STAYING, listed, shortage
from headwater.scheduling.model import Location, Policy, Reason, Target
from headwater.scheduling.tolerance import stays_until
from headwater.scheduling.workload import Assignment, Workload
from headwater.scheduling.world import World

Decided = Literal["Chosen", "Kept", "Held", "Spare", "Rejected"]
_ORDER: tuple[Decided, ...] = ("Kept", "Held", "Chosen", "Spare", "Rejected")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one Placement decided about one target, for one workload.

    Chosen: it comes. Kept: it is in use and stays, even where too much is requested. Held: it is in use and unfit, and
    nothing takes over from it. Spare: it could be used. Rejected: it can't, for all of the reasons. `scores` are those
    of the ranking, `rank` is the place among those that could come, from 1 on.
    """

    target: Target
    location: Location | None
    placement: str
    decision: Decided
    replicas: int = 0
    reasons: tuple[Reason, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """An assignment with the Placements that it follows from, and their verdicts on all targets, the best first."""

    assignment: Assignment
    placements: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def explain(world: World, workload_id: str, now: datetime) -> Explanation:
    """Explain what `assign` answers now. Raises KeyError for an unknown workload.

    Tells of all targets in the logical clusters of the Placements' Locations, selected or not.
    """
    workload = world.workload(workload_id)
    if workload is None:
        raise KeyError(workload_id)
    choices = choices_for(world, workload, micros(now))
    assignment = assignment_of(world, workload, choices, now, rejections=True)
    verdicts: list[Verdict] = []
    for choice in choices:
        view = _View(world, workload, choice, assignment, now)
        of_choice = [*view.candidates(), *view.outsiders()]
        of_choice.sort(key=lambda each: (_ORDER.index(each.decision), each.rank or len(of_choice), each.target.key))
        verdicts += of_choice
    return Explanation(assignment, tuple(choice.policy.name for choice in choices), tuple(verdicts))


class _View:
    """One choice, as it is explained."""

    def __init__(self, world: World, workload: Workload, choice: Choice, assignment: Assignment, now: datetime) -> None:
        self._world = world
        self._workload = workload
        self._choice = choice
        self._policy: Policy = choice.policy
        self._assignment = assignment
        self._now = now
        self._filler = Filler(world, workload, choice)
        self._needed = fewest(workload, choice)
        there = choice.candidates
        self._even, self._crowd = evenness(choice.policy, there, choice.fit, there.admits)
        useful = weighted(choice.policy, there)
        self._weightless = {there.target(each).name for each in where(~useful)} if useful is not None else set()
        self._ranks = self._ranked()

    def _ranked(self) -> dict[int, int]:
        """Place of each candidate that may come and has room, as it was before any of them was chosen."""
        choice = self._choice
        positions = where(self._filler.fresh)
        _, crowd = evenness(self._policy, choice.candidates, choice.staying, choice.candidates.admits)
        ranks = self._filler.liking.ranks(positions, crowd[positions])
        return {int(positions[each]): place for place, each in enumerate(ranks.argsort(kind="stable").tolist(), 1)}

    def candidates(self) -> Iterator[Verdict]:
        """Of the targets that the policy selects."""
        there = self._choice.candidates
        tenths = self._filler.liking.tenths
        for position in range(len(there.slots)):
            target = there.target(position)
            target = self._world.target(target.key) or target
            decision, reasons = self._decided(position, target)
            yield Verdict(
                target,
                there.location(position),
                self._policy.name,
                decision,
                self._assignment.shares.get(target.key, 0) if decision in ("Chosen", "Kept", "Held") else 0,
                tuple(reasons),
                {
                    "home": int(self._filler.home[position]),
                    "spread": int(self._crowd[position]),
                    "preference": int(there.preference[position]),
                    "free": int(tenths[there.slots[position]]),
                },
                self._ranks.get(position),
            )

    def outsiders(self) -> Iterator[Verdict]:
        """Of the other targets of the same logical cluster."""
        there = self._choice.candidates
        for target in self._world.targets(self._policy.location_cluster):
            if target.key in there.where:
                continue
            home = next((each for each in there.locations if each.holds(target)), None)
            if home is None:
                message = f"SyncTarget {target.name} is in no Location that Placement {self._policy.name} selects"
                outside = Reason(REASON_LOCATION_NOT_SELECTED, message, "select a Location that holds it")
            else:
                message = f"SyncTarget {target.name} does not match the selector of Placement {self._policy.name}"
                outside = Reason(REASON_TARGET_NOT_SELECTED, message, "select it by label or name")
            reasons = (outside, *self._against(target))
            yield Verdict(target, home, self._policy.name, "Rejected", reasons=reasons)

    def _decided(self, position: int, target: Target) -> tuple[Decided, Sequence[Reason]]:
        choice = self._choice
        in_use, chosen = target.key in self._workload.current, target.key in self._assignment.shares
        if chosen and position in choice.fit:
            if in_use and choice.candidates.suspended[position]:
                lost = mass_loss(self._world, target)
                return "Held", (Reason(REASON_MASS_LOSS, lost.message, "bring its syncer back"),)
            return ("Kept", [*self._overdrawn(target), *self._for_now(target)]) if in_use else ("Chosen", ())
        if chosen and position in choice.held:
            return "Held", tuple(reasons_against(target, self._policy, self._now, in_use=True))
        reasons = self._against(target)
        if not self._even[position] and choice.wanted > 0:
            why = spared(target, REASON_SPREAD)
            reasons.append(Reason(why.reason, why.message, "raise maxSkew"))
        if reasons:
            return "Rejected", reasons
        if position in choice.fit:
            why_not = f"SyncTarget {target.name} {STAYING}"
            return "Spare", (Reason(REASON_STAYING, why_not, "scale the workload up"),)
        return "Spare", (Reason(REASON_ENOUGH, spared(target, REASON_ENOUGH).message, "raise targets.max"),)

    def _overdrawn(self, target: Target) -> Sequence[Reason]:
        """What is in use stays where more is requested than there is; that is said, and moves nothing."""
        free = self._world.free(target.key) or {}
        over = {each: quantity_of(each, -free[each]) for each in self._workload.request if free.get(each, 0) < 0}
        if not over:
            return ()
        message = f"SyncTarget {target.name} has {listed(over)} less than is requested there"
        return (Reason(REASON_INSUFFICIENT_CAPACITY, message, _more(over)),)

    def _for_now(self, target: Target) -> Iterator[Reason]:
        """Why what is kept will have to leave if nothing changes, and when."""
        if target.evict_after is not None:
            at = format_time(target.evict_after)
            yield Reason(REASON_EVICTING, f"SyncTarget {target.name} will be drained at {at}", "uncordon it")
        if target.not_ready_since is not None:
            at = format_time(target.not_ready_since + self._policy.not_ready_grace)
            why = f"SyncTarget {target.name} is not ready; others may take over at {at}"
            yield Reason(REASON_NOT_READY, why, "bring its syncer back")
        for taint in target.taints:
            until = stays_until(taint, self._policy.tolerations)
            if until is not None:
                why = f"SyncTarget {target.name} has the taint {taint}, which is tolerated until {format_time(until)}"
                yield Reason(REASON_TAINTED, why, f"tolerate {taint} for ever")

    def _against(self, target: Target) -> list[Reason]:
        """Everything against a target that is in use and asked to leave, or that would have to come."""
        found: list[Reason] = []
        if target.key in self._workload.current:
            found += reasons_against(target, self._policy, self._now, in_use=True)
        if not found:
            found += reasons_against(target, self._policy, self._now, in_use=False)
        if target.name in self._weightless:
            message = f"SyncTarget {target.name} has no weight in Placement {self._policy.name}"
            found.append(Reason(REASON_NO_WEIGHT, message, "give it a weight"))
        if lacking := shortage(self._world, self._workload, target, self._needed):
            message = f"SyncTarget {target.name} lacks {listed(lacking)}"
            enough = self._world.room_later(target.key, self._workload) >= self._needed
            admit = "wait for workloads that are leaving it" if enough else _more(lacking)
            found.append(Reason(REASON_INSUFFICIENT_CAPACITY, message, admit))
        return found


def _more(amounts: Mapping[str, str]) -> str:
    return " and ".join(f"{amount} more {resource}" for resource, amount in amounts.items())
