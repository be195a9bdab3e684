"""Deletions that are held, as the SyncTarget shows them: it says so in a condition, and a person lets them go on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import (
    ALLOW_DELETIONS_ANNOTATION,
    CONDITION_DELETIONS_ALLOWED,
    REASON_CONTROL_PLANE_BEHIND,
    REASON_DELETIONS_HELD,
)
from headwater.base.clock import Clock
from headwater.machinery.conditions import ERROR, FALSE, TRUE, get_condition, mark_false, mark_true
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.spec.brake import DeletionBrake

SETTLE_SECONDS: Final = 3.0
"""So long a person's word about held deletions waits after the start, for all that are to be known again."""
_HOW_TO_RELEASE: Final = f"; annotate the SyncTarget with {ALLOW_DELETIONS_ANNOTATION}=true to go on"


class HeldDeletions:
    """Brings the brake what the SyncTarget says, and the SyncTarget what the brake does.

    A person's leave is good for what was held when it was given. The control plane takes it away once the condition is
    True, so what is held anew meanwhile is shown only then.
    """

    def __init__(self, brake: DeletionBrake, clock: Clock) -> None:
        self._brake = brake
        self._clock = clock
        self._followed = False
        self._leave_used = False
        """Whether the leave that the SyncTarget shows has released something."""
        self._synced_at: float | None = None

    def follow(self, target: Object) -> None:
        """Take what the SyncTarget says: held before we started, allowed by a person, or asked for."""
        said = get_condition(target, CONDITION_DELETIONS_ALLOWED)
        if not self._followed and said is not None and said["status"] == FALSE:
            why = said.get("message", "").partition(_HOW_TO_RELEASE)[0]
            self._brake.hold(why, behind=said.get("reason") == REASON_CONTROL_PLANE_BEHIND)
        self._followed = True
        self._brake.drained = _is_drained(target)
        self._leave_used = self._leave_used and _are_allowed(target)
        if self.release_waits(target) and self._settled:
            self._brake.release()
            self._leave_used = True

    def synced(self) -> None:
        """Hear that what is to be synced has been told; the first time the pause before a release begins."""
        if self._synced_at is None:
            self._synced_at = self._clock.monotonic()

    def release_waits(self, target: Object) -> bool:
        """Whether a person has allowed what is still held."""
        return bool(self._brake.held) and _are_allowed(target) and not self._leave_used

    def report(self, changed: Object, now: datetime) -> None:
        """Put the condition on a copy of the SyncTarget; one that never held any says nothing."""
        if self._brake.held and not self._leave_used:
            held = f"{self._brake.held}{_HOW_TO_RELEASE}"
            reason = REASON_CONTROL_PLANE_BEHIND if self._brake.behind else REASON_DELETIONS_HELD
            mark_false(changed, CONDITION_DELETIONS_ALLOWED, reason, ERROR, held, now)
        elif get_condition(changed, CONDITION_DELETIONS_ALLOWED):
            mark_true(changed, CONDITION_DELETIONS_ALLOWED, now)

    @property
    def _settled(self) -> bool:
        """Whether it was long enough ago that we began to sync."""
        return self._synced_at is not None and self._clock.monotonic() - self._synced_at >= SETTLE_SECONDS


def _are_allowed(target: Object) -> bool:
    """Whether a person has allowed the deletions that are held."""
    return annotations_of(target).get(ALLOW_DELETIONS_ANNOTATION) == TRUE.lower()


def _is_drained(target: Object) -> bool:
    """Whether the owner wants workloads to leave, by a time or by a taint."""
    spec = target.get("spec") or {}
    return bool(spec.get("evictAfter")) or any(taint.get("effect") == "NoExecute" for taint in spec.get("taints") or ())
