"""The record of where a workload was placed, and why: the last moves, in an annotation of it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.apis.workload.labels import HISTORY_ANNOTATION
from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

MAX_MOVES: Final = 8
_MAX_TARGETS: Final = 16
_MAX_CAUSE: Final = 256


def moves_of(obj: Object) -> list[dict[str, Any]]:
    """The recorded moves, oldest first: `at`, `targets` and `cause`. What can't be read counts as none."""
    text = annotations_of(obj).get(HISTORY_ANNOTATION, "")
    try:
        moves = jsonio.loads(text) if text else []
    except ValueError:
        return []
    return [each for each in moves if isinstance(each, dict)] if isinstance(moves, list) else []


def with_move(obj: Object, targets: Sequence[str], cause: str, at: str) -> str:
    """Text of the annotation with one more move; of more than eight the oldest are forgotten."""
    shown = [*targets[:_MAX_TARGETS], *(["..."] if len(targets) > _MAX_TARGETS else [])]
    moves = [*moves_of(obj), {"at": at, "targets": shown, "cause": cause[:_MAX_CAUSE]}]
    return jsonio.dumps(moves[-MAX_MOVES:]).decode()
