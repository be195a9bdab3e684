"""Where a walk is within an object, and the errors that it collects there.

A trail is a chain of tuples that costs one allocation per level; it becomes text only when an error needs it.
"""

from __future__ import annotations

from typing import Any

from headwater.machinery.fieldpath import INVALID, FieldError

Trail = tuple[Any, str | int] | None
"""The parent's trail and the member name or item index; None is the root."""

MAX_ERRORS = 256
MAX_WORK = 2_000_000
"""Of one walk, in microseconds as they are estimated: nobody else is served meanwhile."""


class TooManyErrors(Exception):
    """Ends a walk whose report is full; the errors up to there stand."""


class Report:
    """The errors of one walk, at most `MAX_ERRORS`; `add` raises TooManyErrors when they are complete.

    Checks that take long say so before by `spend`, which ends the walk with an error once it comes to `MAX_WORK`.
    """

    __slots__ = ("_left", "errors")

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self._left = MAX_WORK

    def spend(self, work: int) -> None:
        """Count estimated microseconds. Raises TooManyErrors when there are none left."""
        self._left -= work
        if self._left < 0:
            why = "validation failed due to running out of cost budget, no further validation rules will be run"
            self.errors.append(FieldError(INVALID, "", None, why))
            raise TooManyErrors

    def add(self, error: FieldError) -> None:
        self.errors.append(error)
        if len(self.errors) >= MAX_ERRORS:
            raise TooManyErrors


def render(trail: Trail) -> str:
    """The path as Kubernetes writes it: ``spec.containers[0].name``; "" for the root."""
    segments: list[str | int] = []
    while trail is not None:
        trail, segment = trail
        segments.append(segment)
    out = ""
    for segment in reversed(segments):
        if isinstance(segment, int):
            out += f"[{segment}]"
        else:
            out = f"{out}.{segment}" if out else segment
    return out
