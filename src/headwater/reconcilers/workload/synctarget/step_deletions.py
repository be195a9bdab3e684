"""Tell of deletions that a syncer holds back, and take a person's leave to go on away once it was used (pure)."""

from __future__ import annotations

from headwater.apis.sync.v1alpha1.synctarget import ALLOW_DELETIONS_ANNOTATION, CONDITION_DELETIONS_ALLOWED
from headwater.controller.events import Notice
from headwater.machinery.conditions import get_condition, is_false
from headwater.machinery.objects import Object, set_annotation
from headwater.machinery.objects import annotations as annotations_of


def consume_leave(sync_target: Object) -> None:
    """Take the annotation off when nothing is held (any more). Changes `sync_target` (metadata only).

    While the condition is False the annotation waits for the syncer, who answers with the condition True.
    """
    if ALLOW_DELETIONS_ANNOTATION in annotations_of(sync_target) and not is_false(
        sync_target, CONDITION_DELETIONS_ALLOWED
    ):
        set_annotation(sync_target, ALLOW_DELETIONS_ANNOTATION, None)


def deletions_notice(old: Object | None, new: Object) -> Notice | None:
    """What there is to tell when deletions have come to be held, or go on."""
    if old is None:
        return None
    before, after = (get_condition(each, CONDITION_DELETIONS_ALLOWED) for each in (old, new))
    if after is None or (before or {}).get("status", "True") == after["status"]:
        return None
    if after["status"] == "False":
        return Notice(new, after.get("reason", ""), after.get("message", ""), warning=True)
    return Notice(new, "DeletionsAllowed", "the syncer goes on with deletions")
