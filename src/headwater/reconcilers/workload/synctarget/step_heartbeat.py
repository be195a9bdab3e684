"""Judge a SyncTarget's heartbeat (pure)."""

from __future__ import annotations

from datetime import datetime

from headwater.apis.sync.v1alpha1.synctarget import (
    CONDITION_HEARTBEAT_HEALTHY,
    REASON_ERROR_HEARTBEAT,
    SUMMARIZED_CONDITIONS,
)
from headwater.machinery.conditions import get_condition, mark_false, mark_true, summarize
from headwater.machinery.objects import Object, nested
from headwater.machinery.timestamps import parse_time

DEFAULT_THRESHOLD_SECONDS = 60.0


def judge_heartbeat(sync_target: Object, now: datetime, threshold_seconds: float) -> float | None:
    """Set HeartbeatHealthy and Ready from the age of the last heartbeat. Changes `sync_target` (status only).

    Returns the seconds after which a target that is healthy now has to be judged again.
    """
    last = nested(sync_target, "status", "lastSyncerHeartbeatTime", default=None)
    again: float | None = None
    if last is None:
        _unhealthy(sync_target, "No heartbeat yet seen", now)
    else:
        age = (now - parse_time(last)).total_seconds()
        if age > threshold_seconds:
            _unhealthy(sync_target, f"No heartbeat since {last}", now)
        else:
            mark_true(sync_target, CONDITION_HEARTBEAT_HEALTHY, now)
            again = max(threshold_seconds - age, 0.0) + 0.001
    present = [kind for kind in SUMMARIZED_CONDITIONS if get_condition(sync_target, kind) is not None]
    summarize(sync_target, present, now)
    return again


def _unhealthy(sync_target: Object, message: str, now: datetime) -> None:
    mark_false(sync_target, CONDITION_HEARTBEAT_HEALTHY, REASON_ERROR_HEARTBEAT, "Warning", message, now)
