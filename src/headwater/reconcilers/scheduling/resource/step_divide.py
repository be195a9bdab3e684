"""Share out the replicas of a workload among its targets (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

_OURS: Final = re.compile(r'^\[\{ "op": "replace", "path": "/replicas", "value": [0-9]+ \}\]$')
"""The text we write; a spec diff of any other form belongs to somebody else."""


def divide(replicas: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Key -> replicas, in proportion to the weights, by largest remainder; they add up to `replicas`.

    Ties go to the key that sorts first. When all weights are zero they count as equal.
    """
    if not weights:
        return {}
    total = sum(weights.values())
    shares = dict(weights) if total else dict.fromkeys(weights, 1)
    total = total or len(weights)
    exact = {key: divmod(replicas * share, total) for key, share in shares.items()}
    result = {key: whole for key, (whole, _) in exact.items()}
    left = replicas - sum(result.values())
    for key in sorted(exact, key=lambda each: (-exact[each][1], each))[:left]:
        result[key] += 1
    return result


def division_change(obj: Object, shares: Mapping[str, int] | None) -> dict[str, str | None]:
    """The change of spec diffs that gives each target its share; None takes ours away."""
    notes = annotations_of(obj)
    change: dict[str, str | None] = {
        note: None
        for note, text in notes.items()
        if note.startswith(SPEC_DIFF_ANNOTATION_PREFIX)
        and note.removeprefix(SPEC_DIFF_ANNOTATION_PREFIX) not in (shares or {})
        and _OURS.match(text)
    }
    for key, share in (shares or {}).items():
        note = SPEC_DIFF_ANNOTATION_PREFIX + key
        text = f'[{{ "op": "replace", "path": "/replicas", "value": {share} }}]'
        if notes.get(note) != text and (note not in notes or _OURS.match(notes[note])):
            change[note] = text
    return change
