"""One value from the values of several targets, field by field (pure).

A report comes from a pcluster: what hasn't the form that the field should have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.base import jsonio
from headwater.machinery.objects import nested, set_nested
from headwater.reconcilers.scheduling.summary.rules import StatusField

Status = dict[str, Any]
Condition = dict[str, Any]

_WORST_FIRST: Final = {"False": 0, "Unknown": 1, "True": 2}
_ENDINGS: Final = frozenset({"Complete", "SuccessCriteriaMet"})
"""Conditions of a Job that hold for the whole only when they hold for every part."""

_COMPLETION: Final = ("completionTime",)


@dataclass(frozen=True, slots=True)
class Side:
    """The reports of those that the object stays on, or of those that it leaves; `complete` when none is missing."""

    reports: Sequence[Status]
    complete: bool


def combined(fields: Sequence[StatusField], staying: Side, leaving: Side, *, divided: bool) -> Status:
    """The summary of all fields; those that have no value are left out."""
    out: Status = {}
    for field in fields:
        if field.combine in ("worst", "union", "first"):
            value = _of_lists(field, staying, leaving)
        else:
            value = _of_sides(field, staying, leaving, divided=divided)
        if value is not None:
            set_nested(out, value, *field.path)
    return out


def _of_sides(field: StatusField, staying: Side, leaving: Side, *, divided: bool) -> Any:
    """The better of both sides. A zero of a known counter is left out, as Kubernetes does."""
    if field.path == _COMPLETION:
        times = [report.get("completionTime") for report in staying.reports]
        return max(map(str, times)) if staying.complete and times and all(times) else None
    found = [value for side in (staying, leaving) if (value := _of_side(field, side, divided=divided)) is not None]
    sides = [value for value in found if isinstance(value, str) == isinstance(found[0], str)]
    if not sides:
        return None
    better: Callable[[list[Any]], Any] = min if field.fault or isinstance(sides[0], str) else max
    value = better(sides)
    return value if value or field.required or field.combine != "count" else None


def _of_side(field: StatusField, side: Side, *, divided: bool) -> Any:
    """One side's value. A target that has not reported counts as zero where that is the honest minimum."""
    found = [nested(report, *field.path) for report in side.reports]
    times = [each for each in found if isinstance(each, str)]
    if times and field.combine in ("min", "max"):
        return max(times) if field.combine == "max" else min(times)
    known = field.combine == "count" or any(map(_is_number, found))
    values = [each if _is_number(each) else 0 for each in found] if known else []
    if not values:
        return None
    if field.combine == "sum" or (field.combine == "count" and divided):
        return sum(values)
    if field.combine == "max" or field.fault:
        return max(values)
    return min(values) if side.complete else min(0, *values)


def _of_lists(field: StatusField, staying: Side, leaving: Side) -> Any:
    both = [*staying.reports, *leaving.reports]
    leading = staying.reports or leaving.reports
    if field.combine == "first":
        return next((found for each in leading if (found := nested(each, *field.path)) is not None), None)
    if field.combine == "union":
        return _union([_list(each, field) for each in both]) or None
    lists = [[each for each in _list(report, field) if isinstance(each, dict)] for report in leading]
    every = (staying.complete or not staying.reports) and bool(lists)
    return _worst(lists, every=every) or None


def _worst(lists: Sequence[Sequence[Condition]], *, every: bool) -> list[Condition]:
    """Per type the worst of all targets, sorted by type. What ends a Job must hold everywhere."""
    worst: dict[str, Condition] = {}
    counts: dict[str, int] = {}
    for conditions in lists:
        for condition in conditions:
            kind = str(condition.get("type", ""))
            counts[kind] = counts.get(kind, 0) + 1
            known = worst.get(kind)
            if known is None or _badness(condition) < _badness(known):
                worst[kind] = condition
    return [worst[kind] for kind in sorted(worst) if kind not in _ENDINGS or (every and counts[kind] == len(lists))]


def _badness(condition: Mapping[str, Any]) -> int:
    return _WORST_FIRST.get(str(condition.get("status")), 1)


def _union(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """Entries of all lists, each once, in order."""
    seen: dict[bytes, Any] = {}
    for entries in lists:
        for entry in entries:
            seen.setdefault(jsonio.dumps_sorted(entry), entry)
    return list(seen.values())


def _list(report: Status, field: StatusField) -> list[Any]:
    found = nested(report, *field.path)
    return found if isinstance(found, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
