"""The phase of a workspace as it follows from its logical cluster. Pure."""

from __future__ import annotations

from datetime import datetime

from headwater.apis.tenancy.v1alpha1.workspace import (
    CONDITION_API_BINDINGS_INITIALIZED,
    CONDITION_CONTENT_DELETED,
    CONDITION_INITIALIZED,
    CONDITION_PREFIX,
    PHASE_DELETING,
    PHASE_INITIALIZING,
    PHASE_READY,
    PHASE_SCHEDULING,
    PHASE_TERMINATING,
    PHASE_UNAVAILABLE,
    REASON_DISAPPEARED,
    REASON_INITIALIZER_EXISTS,
)
from headwater.machinery import conditions, objects
from headwater.machinery.conditions import Condition
from headwater.machinery.objects import Object

_MIRRORED = (CONDITION_API_BINDINGS_INITIALIZED, CONDITION_CONTENT_DELETED)


def mirror(workspace: Object, logical_cluster: Object, now: datetime) -> None:
    """Bring the workspace's status in line with its logical cluster."""
    status = workspace.setdefault("status", {})
    for field in ("initializers", "terminators"):
        left = objects.nested(logical_cluster, "status", field, default=[])
        if left:
            status[field] = list(left)
        else:
            status.pop(field, None)
    for type_ in _MIRRORED:
        entry = conditions.get_condition(logical_cluster, type_)
        if entry is not None:
            parts = (entry.get(part, "") for part in ("status", "reason", "message", "severity"))
            conditions.set_condition(workspace, Condition(type_, *parts), now)
    phase = objects.nested(logical_cluster, "status", "phase", default=PHASE_SCHEDULING)
    if phase in (PHASE_TERMINATING, PHASE_DELETING):
        status["phase"] = phase
        return
    left = status.get("initializers") or []
    if phase == PHASE_SCHEDULING or left:
        why = f"Initializers still exist: {left}" if left else "The logical cluster is not initializing yet"
        conditions.mark_false(workspace, CONDITION_INITIALIZED, REASON_INITIALIZER_EXISTS, conditions.INFO, why, now)
        status["phase"] = PHASE_INITIALIZING
        return
    conditions.mark_true(workspace, CONDITION_INITIALIZED, now)
    status["phase"] = PHASE_UNAVAILABLE if _impaired(workspace) else PHASE_READY


def mark_disappeared(workspace: Object, now: datetime) -> None:
    """The logical cluster of an initialised or initialising workspace isn't there."""
    conditions.mark_false(
        workspace,
        CONDITION_INITIALIZED,
        REASON_DISAPPEARED,
        conditions.ERROR,
        "The logical cluster of the workspace is gone",
        now,
    )
    if objects.nested(workspace, "status", "phase") == PHASE_READY:
        workspace["status"]["phase"] = PHASE_UNAVAILABLE


def _impaired(workspace: Object) -> bool:
    return any(
        entry["type"].startswith(CONDITION_PREFIX) and entry["status"] == conditions.FALSE
        for entry in conditions.conditions(workspace)
    )
