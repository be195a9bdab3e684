"""Bind a namespace to the targets of its Placements, and take it off others after a grace (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import (
    PLACEMENT_ANNOTATION,
    STATE_LABEL_PREFIX,
    STATE_SYNC,
    deletion_annotation,
    state_label,
)
from headwater.machinery.objects import Object, labels, set_annotation, set_label
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time, parse_time
from headwater.scheduling.matching import placement_applies
from headwater.scheduling.snapshot import chosen_keys

REMOVAL_GRACE_SECONDS: Final = 5.0
CONDITION_NAMESPACE_SCHEDULED: Final = "NamespaceScheduled"
REASON_UNSCHEDULABLE: Final = "Unschedulable"


def bind(namespace: Object, placements: Iterable[Object]) -> None:
    """Mark the namespace as placed, or take the mark away. Changes `namespace`."""
    placed = any(placement_applies(placement, namespace) for placement in placements)
    if placed != (PLACEMENT_ANNOTATION in annotations_of(namespace)):
        set_annotation(namespace, PLACEMENT_ANNOTATION, "" if placed else None)


def schedule(
    namespace: Object, placements: Iterable[Object], now: datetime, *, target_exists: Callable[[str], bool]
) -> float | None:
    """Bring state labels and deletion marks in line with the Placements. Changes `namespace`.

    A target that is no longer chosen is marked, and its label is taken away after a grace of five seconds. A
    target chosen again while it is marked is simply unmarked, and one that does not exist any more loses its label
    at once: unregistering a pcluster is no order to empty it. Returns the seconds until the next grace ends.
    """
    chosen = {
        key for placement in placements if placement_applies(placement, namespace) for key in chosen_keys(placement)
    }
    current = target_keys(labels(namespace))
    marks = deletion_marks(annotations_of(namespace))
    remaining: list[float] = []
    for key in current:
        if key in chosen:
            if key in marks:
                set_annotation(namespace, deletion_annotation(key), None)
        elif not target_exists(key):
            set_label(namespace, state_label(key), None)
            set_annotation(namespace, deletion_annotation(key), None)
        elif key not in marks:
            set_annotation(namespace, deletion_annotation(key), format_time(now))
            remaining.append(REMOVAL_GRACE_SECONDS)
        else:
            left = _grace_left(marks[key], now)
            if left > 0:
                remaining.append(left)
            else:
                set_label(namespace, state_label(key), None)
                set_annotation(namespace, deletion_annotation(key), None)
    for key in chosen - set(current):
        set_label(namespace, STATE_LABEL_PREFIX + key, STATE_SYNC)
    return min(remaining, default=None)


def _grace_left(mark: str, now: datetime) -> float:
    """Seconds until the label may go; a mark that is no time has no grace left."""
    try:
        since = parse_time(mark)
    except ValueError:
        return 0.0
    return REMOVAL_GRACE_SECONDS - (now - since).total_seconds()


def scheduled_condition(namespace: Object) -> tuple[str, str, str]:
    """(status, reason, message) of the namespace's condition."""
    if PLACEMENT_ANNOTATION not in annotations_of(namespace):
        return "False", REASON_UNSCHEDULABLE, "No available placements"
    marks = deletion_marks(annotations_of(namespace))
    if not any(key not in marks for key in target_keys(labels(namespace))):
        return "False", REASON_UNSCHEDULABLE, "No available sync targets"
    return "True", "", ""
