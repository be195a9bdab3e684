"""Share out the replicas of a workload among its targets (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX
from headwater.machinery.objects import Object, labels
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.division import divide as divide
from headwater.scheduling.readiness import ready_replicas

_OURS: Final = re.compile(r'\[\{ "op": "replace", "path": "/replicas", "value": ([0-9]+) \}\]')
"""The text we write; a spec diff of any other form belongs to somebody else."""


def division_change(obj: Object, shares: Mapping[str, int] | None, *, gently: bool = False) -> dict[str, str | None]:
    """The change of spec diffs that gives each target its share; None takes ours away.

    A target that the workload is leaving keeps its share to the end. With `gently` no share shrinks below what is
    ready there before as many replicas are ready on the other targets.
    """
    notes = annotations_of(obj)
    given = {
        note.removeprefix(SPEC_DIFF_ANNOTATION_PREFIX): int(found[1])
        for note, text in notes.items()
        if note.startswith(SPEC_DIFF_ANNOTATION_PREFIX) and (found := _OURS.fullmatch(text))
    }
    held_by = target_keys(labels(obj)) if shares is not None else {}
    change: dict[str, str | None] = {
        SPEC_DIFF_ANNOTATION_PREFIX + key: None for key in given if key not in (shares or {}) and key not in held_by
    }
    wanted = _without_gaps(obj, shares or {}, given) if gently else shares or {}
    for key, share in wanted.items():
        note = SPEC_DIFF_ANNOTATION_PREFIX + key
        if given.get(key) != share and (note not in notes or key in given):
            change[note] = f'[{{ "op": "replace", "path": "/replicas", "value": {share} }}]'
    return change


def _without_gaps(obj: Object, shares: Mapping[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """The shares, each kept as large as the others' readiness still requires."""
    ready = {key: ready_replicas(obj, key) for key in shares}
    total = sum(shares.values())
    wanted: dict[str, int] = {}
    for key, share in shares.items():
        elsewhere = sum(min(shares[other], ready[other]) for other in shares if other != key)
        now = min(given.get(key, ready[key]), ready[key])
        wanted[key] = max(share, min(now, total - elsewhere))
    return wanted
