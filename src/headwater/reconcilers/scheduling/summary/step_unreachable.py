"""What a pcluster reported, once nobody hears of it any more: Unknown, never stale and green (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.apis.workload.endings import has_ended
from headwater.machinery.conditions import UNKNOWN
from headwater.machinery.objects import Object, deep_copy, nested
from headwater.reconcilers.scheduling.reachability import Lost
from headwater.reconcilers.scheduling.summary.rules import Path, StatusField

Status = dict[str, Any]

REASON_UNREACHABLE: Final = "SyncTargetUnreachable"
_TOTALS: Final[dict[Path, Path]] = {
    ("unavailableReplicas",): ("replicas",),
    ("numberUnavailable",): ("desiredNumberScheduled",),
}
"""What is unavailable when nothing is available."""


def as_unknown(obj: Object, report: Status, fields: Sequence[StatusField], lost: Lost, reported_at: str) -> Status:
    """The report of an unreachable target as far as it still holds.

    Nothing of it counts as ready or available, and conditions are Unknown; how many replicas there were, what failed or
    succeeded, and addresses, stay. A Job that has ended stays ended.
    """
    if has_ended({**obj, "status": report}):
        return report
    unknown: Status = deep_copy(report)
    for field in fields:
        *parents, last = field.path
        holder = nested(unknown, *parents) if parents else unknown
        if not isinstance(holder, dict):
            continue
        if field.required and field.good:
            holder[last] = 0
        elif field.good:
            holder.pop(last, None)
        elif field.path in _TOTALS:
            holder[last] = nested(unknown, *_TOTALS[field.path], default=0)
        elif field.combine == "worst" and isinstance(holder.get(last), list):
            holder[last] = [_unknown(each, lost, reported_at) for each in holder[last] if isinstance(each, dict)]
    return unknown


def _unknown(condition: Object, lost: Lost, reported_at: str) -> Object:
    word = ": ".join(text for text in (condition.get("status"), condition.get("reason")) if text)
    changed = f", changed at {reported_at}," if reported_at else ""
    message = f"SyncTarget {lost.name} was last heard of at {lost.since}; its last report{changed} was {word}"
    return {
        **condition,
        "status": UNKNOWN,
        "reason": REASON_UNREACHABLE,
        "message": message,
        "lastTransitionTime": lost.since,
    }
