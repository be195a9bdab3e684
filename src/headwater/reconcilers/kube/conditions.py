"""Conditions as Kubernetes' own kinds have them: no severity, and a time that moves with the status only."""

from __future__ import annotations

from datetime import datetime

from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time


def get_condition(obj: Object, kind: str) -> Object | None:
    """The condition of this type."""
    for condition in (obj.get("status") or {}).get("conditions") or []:
        if condition.get("type") == kind:
            found: Object = condition
            return found
    return None


def is_true(obj: Object, kind: str) -> bool:
    """Whether the condition of this type is there and True."""
    condition = get_condition(obj, kind)
    return condition is not None and condition.get("status") == "True"


def set_condition(obj: Object, kind: str, *, value: bool, reason: str, message: str, now: datetime) -> bool:
    """Set a condition of an object that may be changed; says whether anything changed."""
    status = "True" if value else "False"
    conditions = obj.setdefault("status", {}).setdefault("conditions", [])
    known = get_condition(obj, kind)
    wanted = {"type": kind, "status": status, "reason": reason, "message": message}
    if known is None:
        conditions.append({**wanted, "lastTransitionTime": format_time(now)})
        return True
    if all(known.get(field) == value for field, value in wanted.items()):
        return False
    moved = known.get("status") != status
    known.update(wanted)
    if moved or not known.get("lastTransitionTime"):
        known["lastTransitionTime"] = format_time(now)
    return True
