"""Bind a SyncTarget to another pcluster when a person says so, and tell of syncers that are on a wrong one (pure)."""

from __future__ import annotations

import re

from headwater.apis.sync.v1alpha1.synctarget import (
    BIND_TO_PCLUSTER_ANNOTATION,
    CONDITION_PCLUSTER_BOUND,
    PCLUSTER_ID_PATTERN,
)
from headwater.controller.events import Notice
from headwater.machinery.conditions import get_condition, is_false, remove_condition
from headwater.machinery.objects import Object, nested, set_annotation
from headwater.machinery.objects import annotations as annotations_of


def consume_binding(sync_target: Object) -> None:
    """Take the annotation off once the status says the same. Changes `sync_target` (metadata only)."""
    wanted = annotations_of(sync_target).get(BIND_TO_PCLUSTER_ANNOTATION)
    if wanted is not None and wanted == bound_to(sync_target):
        set_annotation(sync_target, BIND_TO_PCLUSTER_ANNOTATION, None)


def bind(sync_target: Object) -> None:
    """Set `status.pclusterID` as the annotation says, which ends what was said against the other pcluster.

    What can't be the ID of a pcluster is left alone. Changes `sync_target` (status only).
    """
    wanted = annotations_of(sync_target).get(BIND_TO_PCLUSTER_ANNOTATION, "")
    if wanted == bound_to(sync_target) or not re.fullmatch(PCLUSTER_ID_PATTERN, wanted):
        return
    sync_target.setdefault("status", {})["pclusterID"] = wanted
    remove_condition(sync_target, CONDITION_PCLUSTER_BOUND)


def binding_notice(old: Object | None, new: Object) -> Notice | None:
    """What there is to tell when a wrong pcluster has come or gone, or the SyncTarget was bound to another one."""
    if old is None:
        return None
    before, after = bound_to(old), bound_to(new)
    if before and after and before != after:
        return Notice(new, "PClusterRebound", f"bound to the pcluster {after}, no longer to {before}")
    if is_false(new, CONDITION_PCLUSTER_BOUND) and not is_false(old, CONDITION_PCLUSTER_BOUND):
        said = get_condition(new, CONDITION_PCLUSTER_BOUND) or {}
        return Notice(new, said.get("reason", ""), said.get("message", ""), warning=True)
    return None


def bound_to(sync_target: Object) -> str:
    """The ID of the pcluster that a SyncTarget is bound to; "" before a syncer has reported one."""
    return str(nested(sync_target, "status", "pclusterID", default=""))
