"""The status of a pod whose pcluster isn't heard of: Unknown, never stale and green (pure)."""

from __future__ import annotations

from typing import Final

from headwater.machinery.conditions import UNKNOWN
from headwater.machinery.objects import Object
from headwater.reconcilers.scheduling.reachability import Lost
from headwater.reconcilers.scheduling.summary.step_unreachable import REASON_UNREACHABLE

_CURRENT: Final = frozenset({"Ready", "ContainersReady"})
_ENDED: Final = frozenset({"Succeeded", "Failed"})


def doubted(status: Object, lost: Lost) -> Object:
    """What still holds of a pod's status: whether it is ready is Unknown, and `kubectl get pods` says why.

    A pod that has ended stays ended. The syncer reports anew when it is back.
    """
    if status.get("phase") in _ENDED:
        return status
    message = f"SyncTarget {lost.name} was last heard of at {lost.since}"
    conditions = [
        {
            **condition,
            "status": UNKNOWN,
            "reason": REASON_UNREACHABLE,
            "message": message,
            "lastTransitionTime": lost.since,
        }
        if condition.get("type") in _CURRENT
        else condition
        for condition in status.get("conditions") or ()
    ]
    changed = {**status, "reason": REASON_UNREACHABLE, "message": message}
    return {**changed, "conditions": conditions} if conditions else changed
