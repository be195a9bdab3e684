"""Brings one object to what was judged: room is taken first, then one patch is written, then people are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import HISTORY_ANNOTATION, STATE_LABEL_PREFIX
from headwater.controller.events import EventRecorder, Notice
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, deletion_timestamp, labels, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.scheduling.division.step_divide import division_change
from headwater.reconcilers.scheduling.inventory import Inventory, plain
from headwater.reconcilers.scheduling.reachability import lost_targets
from headwater.reconcilers.scheduling.resource.cause import cause_of_move
from headwater.reconcilers.scheduling.resource.history import moves_of, with_move
from headwater.reconcilers.scheduling.resource.judge import Judge, Judgement
from headwater.reconcilers.scheduling.resource.moves import MoveLimiter
from headwater.reconcilers.scheduling.resource.step_intent import IntentChange, Wanted, intent_change
from headwater.reconcilers.scheduling.resource.writer import IntentWriter
from headwater.reconcilers.scheduling.summary.step_scheduled import Verdict
from headwater.reconcilers.scheduling.workloads import Workloads
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.scheduling.plan import improvable
from headwater.scheduling.workload import workload_id

_SETTLING_SECONDS: Final = 1.0
"""After this long an object is looked at again that was judged before all workloads were known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass came to: when to look again, whether more room could change it, what to tell, and the targets."""

    again_seconds: float | None = None
    wants_room: bool = False
    verdict: Verdict | None = None
    assigned: frozenset[str] | None = None


class Execution:
    """One object at a time; many objects side by side."""

    def __init__(
        self,
        fleet: Fleet,
        inventory: Inventory,
        workloads: Workloads,
        feed: WorldFeed,
        *,
        events: EventRecorder,
        limiter: MoveLimiter,
    ) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._feed = feed
        self._events = events
        self._limiter = limiter
        self._workloads = workloads
        self._judge = Judge(fleet, inventory, workloads, feed)
        self._writer = IntentWriter(fleet.cluster_client)

    async def bring(self, gvr: GroupVersionResource, obj: Object) -> Outcome:
        """Bring an object on. Raises StatusError and TransportError; the room that was taken is given back then."""
        if self._feed.is_older(workload_id(*plain(gvr), object_key(obj)), obj):
            return Outcome()  # The event of our own write comes and starts the next pass.
        judgement = self._judge.judge(gvr, obj, self._fleet.clock.now())
        now = format_time(self._fleet.clock.now())
        change = intent_change(obj, judgement.wanted, target_exists=self._fleet.target_exists, now=now)
        if judgement.assignment is not None and _replaces(obj, change, judgement):
            wait = self._limiter.seconds_to_wait()
            if wait > 0:
                return self._outcome(judgement, wait)
        if judgement.wanted is not None and not change.delete and not has_ended(obj):
            change.annotations.update(self._division(gvr, obj, judgement.wanted))
        note = self._note(obj, change, judgement)
        await self._write(gvr, obj, change, judgement)
        if note is not None:
            self._events.record(note)
        return self._outcome(judgement, self._again_seconds(obj, judgement))

    def _outcome(self, judgement: Judgement, again_seconds: float | None) -> Outcome:
        if judgement.assignment is None:
            return Outcome(again_seconds, verdict=judgement.verdict)
        told = judgement.assignment
        wants_room = told.awaits or told.held or improvable(self._feed.world, judgement.identity)
        return Outcome(again_seconds, wants_room, judgement.verdict, frozenset(judgement.assignment.shares))

    def _division(self, gvr: GroupVersionResource, obj: Object, wanted: Wanted) -> dict[str, str | None]:
        how = self._workloads.divisible(gvr, obj) if wanted.shares is not None else None
        if how is None:
            return division_change(obj, None)
        lost = {*lost_targets(self._fleet, obj), *deletion_marks(annotations_of(obj))}
        return division_change(obj, wanted.shares, divided=how, gently=not wanted.at_once, unreachable=lost)

    def _note(self, obj: Object, change: IntentChange, judgement: Judgement) -> Notice | None:
        """Put a move into the record of the object; what to tell of it, None when it is no move."""
        assignment = judgement.assignment
        if assignment is None or not (change.labels or change.annotations):
            return None
        # What has ended may leave a target, and comes to none.
        keys = target_keys(labels(obj)).keys() & assignment.shares.keys() if has_ended(obj) else assignment.shares
        names = sorted(self._fleet.target_name(key) or key for key in keys)
        moves = moves_of(obj)
        if names == (moves[-1].get("targets") if moves else []):
            return None
        now = self._fleet.clock.now()
        workload = self._feed.world.workload(judgement.identity)
        assert workload is not None, "judging puts it into the world"
        cause = cause_of_move(self._feed.world, workload, tuple(assignment.shares), judgement.placements, now)
        change.annotations[HISTORY_ANNOTATION] = with_move(obj, names, cause, format_time(now))
        shown = ", ".join(names) or "no SyncTarget"
        if not workload.current:
            return Notice(obj, "Scheduled", f"to {shown}: {cause}")
        return Notice(obj, "Moved", f"to {shown}: {cause}", warning=not names)

    async def _write(self, gvr: GroupVersionResource, obj: Object, change: IntentChange, judgement: Judgement) -> None:
        # What is deleted or has ended comes nowhere any more.
        assignment = None if has_ended(obj) or deletion_timestamp(obj) else judgement.assignment
        if assignment is not None:
            self._feed.assume(judgement.identity, assignment)
        if not change:
            return
        try:
            answer = await self._writer.write(gvr, obj, change)
        except StatusError:
            if assignment is not None:
                self._restore(gvr, obj, judgement)
            raise
        if assignment is not None and answer is not None:
            self._feed.assume(judgement.identity, assignment, answer)

    def _restore(self, gvr: GroupVersionResource, obj: Object, judgement: Judgement) -> None:
        """Give back the room of an assignment that was not written."""
        known = self._feed.world.workload(judgement.identity)
        self._feed.put_workload(self._workloads.read(gvr, obj, known.policies if known else ()))

    def _again_seconds(self, obj: Object, judgement: Judgement) -> float | None:
        waits = [self._feed.seconds_to_recheck(judgement.identity, self._fleet.clock.now())]
        if not self._inventory.settled(cluster_name(obj)) or not self._inventory.all_synced:
            waits.append(_SETTLING_SECONDS)
        return min((each for each in waits if each is not None), default=None)


def _replaces(obj: Object, change: IntentChange, judgement: Judgement) -> bool:
    """True when the change begins a move: a target comes because one that has the object is given up."""
    assert judgement.wanted is not None, "an assignment makes wishes"
    comes = any(state is not None for label, state in change.labels.items() if label.startswith(STATE_LABEL_PREFIX))
    marked = deletion_marks(annotations_of(obj))
    return comes and any(key not in marked and key not in judgement.wanted.keys for key in target_keys(labels(obj)))
