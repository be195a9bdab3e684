"""What the pcluster of a sync target says against an object that was placed there."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import SYNC_FAILURE_ANNOTATION_PREFIX
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

LONGEST_FAILURE: Final = 1024


def failure_of(obj: Object, key: str) -> str | None:
    """Why the target's pcluster refuses an object; None when it doesn't.

    Cut to a bearable length, and without what could steer the terminal of who reads it: the words are a pcluster's.
    """
    text = annotations_of(obj).get(SYNC_FAILURE_ANNOTATION_PREFIX + key)
    if not isinstance(text, str) or not text:
        return None
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_FAILURE])


def failures_of(obj: Object) -> dict[str, str]:
    """Sync target key -> why its pcluster refuses an object, of those that do."""
    start = len(SYNC_FAILURE_ANNOTATION_PREFIX)
    keys = (note[start:] for note in annotations_of(obj) if note.startswith(SYNC_FAILURE_ANNOTATION_PREFIX))
    return {key: text for key in keys if (text := failure_of(obj, key)) is not None}
