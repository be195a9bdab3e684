"""kcp's conditions: ``status.conditions`` entries with a severity, and the ``Ready`` that sums others up.

The rules are those of the cluster-api library that kcp uses: ``Ready`` stands first and the rest by type;
``lastTransitionTime`` moves when any of status, reason, severity or message changes, and is cut to seconds; severity
exists only while the status is False. Setters change the object in place, so never pass one that came from a cache,
and say whether anything changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time

TRUE = "True"
FALSE = "False"
UNKNOWN = "Unknown"

ERROR = "Error"
WARNING = "Warning"
INFO = "Info"

READY = "Ready"

_STATE = ("status", "reason", "severity", "message")
_MERGE_PRIORITY = {(FALSE, ERROR): 0, (FALSE, WARNING): 1, (FALSE, INFO): 2, (TRUE, ""): 3, (UNKNOWN, ""): 4}


@dataclass(frozen=True, slots=True)
class Condition:
    """One observation; ``severity`` is Error, Warning or Info for a False status and "" for the others."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    severity: str = ""

    def to_object(self, now: datetime) -> Object:
        """The entry for ``status.conditions``; parts that are empty are left out."""
        entry: Object = {"type": self.type, "status": self.status}
        if self.severity:
            entry["severity"] = self.severity
        entry["lastTransitionTime"] = format_time(now)
        if self.reason:
            entry["reason"] = self.reason
        if self.message:
            entry["message"] = self.message
        return entry


def conditions(obj: Mapping[str, Any]) -> Sequence[Object]:
    """The entries of ``status.conditions``."""
    return (obj.get("status") or {}).get("conditions") or ()


def get_condition(obj: Mapping[str, Any], type_: str) -> Object | None:
    """The condition of this type as it stands in the object."""
    for entry in conditions(obj):
        if entry.get("type") == type_:
            return entry
    return None


def status_of(obj: Mapping[str, Any], type_: str) -> str:
    """The status of a condition, "" when the object has not got it."""
    entry = get_condition(obj, type_)
    return (entry.get("status") or "") if entry is not None else ""


def is_true(obj: Mapping[str, Any], type_: str) -> bool:
    return status_of(obj, type_) == TRUE


def is_false(obj: Mapping[str, Any], type_: str) -> bool:
    return status_of(obj, type_) == FALSE


def set_condition(obj: Object, condition: Condition, now: datetime) -> bool:
    """Add or replace a condition; one that says the same already stays as it is, with its time."""
    present = conditions(obj)
    fresh = condition.to_object(now)
    for entry in present:
        if entry.get("type") == condition.type:
            if all((entry.get(part) or "") == fresh.get(part, "") for part in _STATE):
                return False
            break
    rest = [entry for entry in present if entry.get("type") != condition.type]
    _store(obj, [*rest, fresh])
    return True


def remove_condition(obj: Object, type_: str) -> bool:
    """Drop a condition."""
    present = conditions(obj)
    rest = [entry for entry in present if entry.get("type") != type_]
    if len(rest) == len(present):
        return False
    _store(obj, rest)
    return True


def mark_true(obj: Object, type_: str, now: datetime) -> bool:
    return set_condition(obj, Condition(type_, TRUE), now)


def mark_false(obj: Object, type_: str, reason: str, severity: str, message: str, now: datetime) -> bool:
    """Set a condition to False: the reason in CamelCase, the message a sentence for people."""
    return set_condition(obj, Condition(type_, FALSE, reason, message, severity), now)


def mark_unknown(obj: Object, type_: str, reason: str, message: str, now: datetime) -> bool:
    return set_condition(obj, Condition(type_, UNKNOWN, reason, message), now)


def merged(obj: Mapping[str, Any], types: Sequence[str], *, into: str = READY) -> Condition | None:
    """What the named conditions amount to, None when the object has none of them.

    False with Error outweighs False with Warning, then False with Info, then True, then Unknown. Reason and message
    are those of the first condition, in the order of ``types``, of the group that wins.
    """
    present = {entry.get("type"): entry for entry in conditions(obj)}
    winner: Object | None = None
    best = len(_MERGE_PRIORITY) + 1
    for type_ in types:
        entry = present.get(type_)
        if entry is None:
            continue
        weight = _MERGE_PRIORITY.get((entry.get("status") or "", entry.get("severity") or ""), len(_MERGE_PRIORITY))
        if weight < best:
            winner, best = entry, weight
    if winner is None:
        return None
    status = winner.get("status") or UNKNOWN
    if status == TRUE:
        return Condition(into, TRUE)
    severity = (winner.get("severity") or "") if status == FALSE else ""
    return Condition(into, status, winner.get("reason") or "", winner.get("message") or "", severity)


def summarize(obj: Object, types: Sequence[str], now: datetime, *, into: str = READY) -> bool:
    """Set ``Ready`` to what those of the named conditions say that the object has; without any nothing changes."""
    condition = merged(obj, types, into=into)
    return condition is not None and set_condition(obj, condition, now)


def _store(obj: Object, entries: list[Object]) -> None:
    entries.sort(key=lambda entry: (entry.get("type") != READY, entry.get("type") or ""))
    status = obj.get("status")
    if status is None:
        status = obj["status"] = {}
    status["conditions"] = entries
