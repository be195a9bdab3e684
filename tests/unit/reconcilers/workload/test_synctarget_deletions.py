"""What is told of held deletions, and when a person's leave is used up."""

from __future__ import annotations

import pytest

from headwater.apis.sync.v1alpha1.synctarget import ALLOW_DELETIONS_ANNOTATION
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.workload.synctarget.step_deletions import consume_leave, deletions_notice


def target(status: str | None, *, leave: bool = False) -> Object:
    """A SyncTarget with the condition DeletionsAllowed."""
    conditions = [{"type": "DeletionsAllowed", "status": status, "reason": "DeletionsHeld", "message": "too many"}]
    notes = {ALLOW_DELETIONS_ANNOTATION: "true"} if leave else {}
    return {"metadata": {"name": "east", "annotations": notes}, "status": {"conditions": conditions if status else []}}


@pytest.mark.parametrize(
    ("status", "stays"), [("False", True), ("True", False), (None, False)], ids=["held", "released", "never held"]
)
def test_leave_is_used_up_once_nothing_is_held(status: str | None, stays: bool) -> None:
    obj = target(status, leave=True)
    consume_leave(obj)
    assert (ALLOW_DELETIONS_ANNOTATION in annotations_of(obj)) == stays


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (None, "False", "DeletionsHeld"),
        ("True", "False", "DeletionsHeld"),
        ("False", "True", "DeletionsAllowed"),
        ("False", "False", None),
        (None, "True", None),
        (None, None, None),
    ],
)
def test_events_tell_of_changes(before: str | None, after: str | None, reason: str | None) -> None:
    notice = deletions_notice(target(before), target(after))
    assert (notice.reason if notice is not None else None) == reason


def test_what_is_found_is_no_change() -> None:
    """A control plane that starts tells nothing that it has told before."""
    assert deletions_notice(None, target("False")) is None
