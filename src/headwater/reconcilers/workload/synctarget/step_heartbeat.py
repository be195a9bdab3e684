"""Judge a SyncTarget's heartbeat (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import (
    CONDITION_HEARTBEAT_HEALTHY,
    REASON_ERROR_HEARTBEAT,
    SUMMARIZED_CONDITIONS,
)
from headwater.controller.events import Notice
from headwater.machinery.conditions import get_condition, is_false, is_true, mark_false, mark_true, summarize
from headwater.machinery.objects import Object, nested
from headwater.machinery.timestamps import parse_time

DEFAULT_THRESHOLD_SECONDS: Final = 60.0
_NEVER: Final = "No heartbeat yet seen"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A heartbeat as it stands in the SyncTarget, and when it counts as having been made, by our own clock."""

    text: str
    at: datetime


def sight(sync_target: Object, before: Sighting | None, now: datetime, threshold_seconds: float) -> Sighting | None:
    """When the SyncTarget's last heartbeat was made, as we know it; None when there was none yet. ``before`` is what
    this answered for the same SyncTarget before.

    The time in a heartbeat is that of the syncer's clock, which may be wrong. So one that changes under our eyes was
    made now. Of one that we find we can tell less: while the SyncTarget counts as healthy it is taken as fresh, since
    we may have been away ourselves for longer than the threshold; else its own time counts, cut off at now.
    """
    text = nested(sync_target, "status", "lastSyncerHeartbeatTime", default=None)
    if not text:
        return None
    if before is not None:
        return before if before.text == text else Sighting(text, now)
    made = min(parse_time(text), now)
    stale = now - made > timedelta(seconds=threshold_seconds)
    return Sighting(text, now if stale and is_true(sync_target, CONDITION_HEARTBEAT_HEALTHY) else made)


def judge_heartbeat(
    sync_target: Object, sighting: Sighting | None, now: datetime, threshold_seconds: float
) -> float | None:
    """Set HeartbeatHealthy and Ready from the age of the last heartbeat. Changes `sync_target` (status only).

    Returns the seconds after which a target that is healthy now has to be judged again.
    """
    again: float | None = None
    if sighting is None:
        _unhealthy(sync_target, _NEVER, now)
    else:
        age = (now - sighting.at).total_seconds()
        if age > threshold_seconds:
            _unhealthy(sync_target, f"No heartbeat since {sighting.text}", now)
        else:
            mark_true(sync_target, CONDITION_HEARTBEAT_HEALTHY, now)
            again = max(threshold_seconds - age, 0.0) + 0.001
    present = [kind for kind in SUMMARIZED_CONDITIONS if get_condition(sync_target, kind) is not None]
    summarize(sync_target, present, now)
    return again


def heartbeat_notice(old: Object | None, new: Object) -> Notice | None:
    """What there is to tell when a syncer has fallen silent, or reports again."""
    if old is None:
        return None
    if is_true(old, CONDITION_HEARTBEAT_HEALTHY) and is_false(new, CONDITION_HEARTBEAT_HEALTHY):
        said = get_condition(new, CONDITION_HEARTBEAT_HEALTHY) or {}
        return Notice(new, REASON_ERROR_HEARTBEAT, f"{said.get('message', '')}; what runs there stays", warning=True)
    before = get_condition(old, CONDITION_HEARTBEAT_HEALTHY) or {}
    was_silent = is_false(old, CONDITION_HEARTBEAT_HEALTHY) and before.get("message") != _NEVER
    if was_silent and is_true(new, CONDITION_HEARTBEAT_HEALTHY):
        return Notice(new, CONDITION_HEARTBEAT_HEALTHY, "the syncer reports again")
    return None


def _unhealthy(sync_target: Object, message: str, now: datetime) -> None:
    mark_false(sync_target, CONDITION_HEARTBEAT_HEALTHY, REASON_ERROR_HEARTBEAT, "Warning", message, now)
