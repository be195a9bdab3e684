"""What a pcluster reported, once nobody hears of it any more: Unknown, never stale and green (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.apis.sync.v1alpha1.synctarget import CONDITION_HEARTBEAT_HEALTHY
from headwater.apis.workload.endings import has_ended
from headwater.machinery.conditions import UNKNOWN, get_condition
from headwater.machinery.objects import Object, deep_copy, name, nested
from headwater.reconcilers.scheduling.summary.rules import Path, StatusField

Status = dict[str, Any]

REASON_UNREACHABLE: Final = "SyncTargetUnreachable"
_TOTALS: Final[dict[Path, Path]] = {
    ("unavailableReplicas",): ("replicas",),
    ("numberUnavailable",): ("desiredNumberScheduled",),
}
"""What is unavailable when nothing is available."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A SyncTarget that isn't heard of: its name, and the time of its last sign of life."""

    name: str
    since: str


def lost_from(sync_target: Object) -> Lost | None:
    """The loss of a SyncTarget, None while its heartbeat is healthy or was never judged.

    Other reasons for not being ready don't count: what such a syncer reports is still what it sees.
    """
    heartbeat = get_condition(sync_target, CONDITION_HEARTBEAT_HEALTHY)
    if heartbeat is None or heartbeat["status"] == "True":
        return None
    last = nested(sync_target, "status", "lastSyncerHeartbeatTime", default="")
    return Lost(name(sync_target), last or heartbeat.get("lastTransitionTime", ""))


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
        if field.good:
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
