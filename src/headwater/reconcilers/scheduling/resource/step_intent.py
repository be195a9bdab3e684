"""Bring the state labels and deletion marks of one object in line with its namespace (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import (
    DELETION_ANNOTATION_PREFIX,
    SOFT_FINALIZERS_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    STATE_SYNC,
    STATE_UPSYNC,
    STATUS_DIFF_ANNOTATION_PREFIX,
    SYNCER_FINALIZER_PREFIX,
    TARGET_ANNOTATION_PREFIXES,
    syncer_finalizer,
)
from headwater.machinery.objects import Object, deletion_timestamp, finalizers, labels
from headwater.machinery.objects import annotations as annotations_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """Targets of a namespace as they bear on one object.

    `keys` are those that should have the object, `leaving` those that are being taken away with the time since
    when. `can_leave` answers whether the object may be taken off a target now (make before break). `shares` are the
    replicas of each target where they are divided.
    """

    keys: frozenset[str]
    leaving: Mapping[str, str]
    can_leave: Callable[[str], bool]
    shares: Mapping[str, int] | None = None
    at_once: bool = False
    state: str = STATE_SYNC
    """What the label of a target that comes says."""


@dataclass(slots=True)
class IntentChange:
    """A change of labels, annotations (None takes away) and finalizers; `delete` for an upsynced orphan."""

    labels: dict[str, str | None] = field(default_factory=dict)
    annotations: dict[str, str | None] = field(default_factory=dict)
    finalizers: list[str] | None = None
    delete: bool = False

    def __bool__(self) -> bool:
        return bool(self.labels or self.annotations or self.finalizers is not None or self.delete)


def intent_change(
    obj: Object, wanted: Wanted | None, *, target_exists: Callable[[str], bool], now: str
) -> IntentChange:
    """The change that `obj` needs; empty when it is as it should be.

    `wanted` is None when the namespace is not known (nothing is concluded from that). A label of a target that
    still holds the object by its finalizer is never taken away here: the syncer lets go of it after its copy is
    gone.
    """
    current = target_keys(labels(obj))
    change = IntentChange()
    upsynced = [key for key, state in current.items() if state == STATE_UPSYNC]
    if upsynced:
        if not any(target_exists(key) for key in upsynced):
            _give_up(change, obj, target_exists)
        return change
    marks = deletion_marks(annotations_of(obj))
    deleted_at = deletion_timestamp(obj)
    if deleted_at:
        for key in current:
            if not marks.get(key):
                change.annotations[DELETION_ANNOTATION_PREFIX + key] = deleted_at
    elif wanted is not None:
        _follow_namespace(change, obj, current, marks, wanted, now)
    for key in current:
        if not target_exists(key):
            # Unregistering a pcluster is no order to empty it: the label goes without a deletion mark.
            change.annotations.pop(DELETION_ANNOTATION_PREFIX + key, None)
            _remove(change, obj, key)
    kept = [each for each in finalizers(obj) if not _orphaned(each, target_exists)]
    if len(kept) != len(finalizers(obj)):
        change.finalizers = kept
    return change


def _give_up(change: IntentChange, obj: Object, target_exists: Callable[[str], bool]) -> None:
    """Nobody looks after an upsynced object any more: delete it, and then let it go in the name of its syncer."""
    kept = [each for each in finalizers(obj) if not _orphaned(each, target_exists)]
    if not deletion_timestamp(obj):
        change.delete = True
    elif len(kept) != len(finalizers(obj)):
        change.finalizers = kept


def _follow_namespace(
    change: IntentChange, obj: Object, current: Mapping[str, str], marks: Mapping[str, str], wanted: Wanted, now: str
) -> None:
    expected = wanted.keys | set(wanted.leaving)
    for key in current:
        mark = DELETION_ANNOTATION_PREFIX + key
        if key in expected and key not in wanted.leaving:
            if key in marks:
                # What it reported was before it was told to drop its copy; it reports anew what is left of that.
                change.annotations[mark] = None
                if STATUS_DIFF_ANNOTATION_PREFIX + key in annotations_of(obj):
                    change.annotations[STATUS_DIFF_ANNOTATION_PREFIX + key] = None
        elif key in marks:
            if key not in expected and not _held(obj, key):
                _remove(change, obj, key)
        elif not wanted.can_leave(key):
            continue
        elif _held(obj, key) or key in wanted.leaving:
            change.annotations[mark] = wanted.leaving.get(key, now)
        else:
            _remove(change, obj, key)
    if has_ended(obj):
        return  # A pcluster that gets the Job now would run it again.
    for key in wanted.keys - set(current) - set(wanted.leaving):
        change.labels[STATE_LABEL_PREFIX + key] = wanted.state


def _remove(change: IntentChange, obj: Object, key: str) -> None:
    """Take away every trace of a target that has let go, or never had the object."""
    change.labels[STATE_LABEL_PREFIX + key] = None
    for prefix in TARGET_ANNOTATION_PREFIXES:
        if prefix + key in annotations_of(obj):
            change.annotations[prefix + key] = None


def _held(obj: Object, key: str) -> bool:
    """True while the target's syncer, or somebody's soft finalizer, holds the object."""
    soft = annotations_of(obj).get(SOFT_FINALIZERS_ANNOTATION_PREFIX + key, "")
    return bool(soft) or syncer_finalizer(key) in finalizers(obj)


def _orphaned(finalizer: str, target_exists: Callable[[str], bool]) -> bool:
    return finalizer.startswith(SYNCER_FINALIZER_PREFIX) and not target_exists(
        finalizer.removeprefix(SYNCER_FINALIZER_PREFIX)
    )
