"""What a control-plane object says about each sync target: state, deletion mark, soft finalizers.

Read by the syncer virtual workspace, the controllers and the coordination of replicas alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headwater.apis.workload.labels import (
    DELETION_ANNOTATION_PREFIX,
    SOFT_FINALIZERS_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    SYNCER_FINALIZER_PREFIX,
    TARGET_ANNOTATION_PREFIXES,
)
from headwater.machinery.objects import Object, finalizers, labels
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import parse_time


class IntentError(ValueError):
    """A deletion mark on the object is not an RFC 3339 time."""


@dataclass(frozen=True, slots=True)
class SyncIntent:
    """One target's part of an object: the state label's value, since when to drop it, who holds it back."""

    state: str
    deletion: datetime | None
    soft_finalizers: str

    @property
    def dropping(self) -> bool:
        """True when the target has to delete its copy now."""
        return self.deletion is not None and not self.soft_finalizers


def target_keys(object_labels: Mapping[str, str]) -> dict[str, str]:
    """Sync target key -> state, from the state labels."""
    start = len(STATE_LABEL_PREFIX)
    return {label[start:]: state for label, state in object_labels.items() if label.startswith(STATE_LABEL_PREFIX)}


def deletion_marks(object_annotations: Mapping[str, str]) -> dict[str, str]:
    """Sync target key -> text of its deletion mark."""
    start = len(DELETION_ANNOTATION_PREFIX)
    return {
        key[start:]: value for key, value in object_annotations.items() if key.startswith(DELETION_ANNOTATION_PREFIX)
    }


def names_targets(obj: Object) -> bool:
    """Whether a label, an annotation or a finalizer of an object speaks of any sync target."""
    return (
        any(label.startswith(STATE_LABEL_PREFIX) for label in labels(obj))
        or any(note.startswith(TARGET_ANNOTATION_PREFIXES) for note in annotations_of(obj))
        or any(each.startswith(SYNCER_FINALIZER_PREFIX) for each in finalizers(obj))
    )


def sync_intents(obj: Object) -> dict[str, SyncIntent]:
    """All intents of an object by sync target key. Raises IntentError for a deletion mark that is not a time."""
    return {key: _intent(obj, key, state) for key, state in target_keys(labels(obj)).items()}


def sync_intent(obj: Object, key: str) -> SyncIntent | None:
    """The intent for one target, if the object has one. Raises IntentError for a mark of it that is not a time."""
    state = labels(obj).get(STATE_LABEL_PREFIX + key)
    return None if state is None else _intent(obj, key, state)


def _intent(obj: Object, key: str, state: str) -> SyncIntent:
    notes = annotations_of(obj)
    mark = notes.get(DELETION_ANNOTATION_PREFIX + key)
    try:
        deletion = parse_time(mark) if mark is not None else None
    except ValueError as error:
        raise IntentError(f"annotation {DELETION_ANNOTATION_PREFIX}{key}: {error}") from error
    return SyncIntent(state, deletion, notes.get(SOFT_FINALIZERS_ANNOTATION_PREFIX + key, "").strip())
