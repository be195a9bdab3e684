"""Uniqueness in lists that are sets or maps (``x-kubernetes-list-type``)."""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio
from headwater.machinery.fieldpath import duplicate, too_many
from headwater.schema.scalars import Check, unacceptable
from headwater.schema.trail import Report, Trail, render

Object = dict[str, Any]


def list_checks(schema: Object) -> list[Check]:
    """Length and uniqueness; each check may count on a list."""
    checks: list[Check] = []
    if "maxItems" in schema:
        checks.append(_max_items(schema["maxItems"]))
    if "minItems" in schema:
        checks.append(_min_items(schema["minItems"]))
    match schema.get("x-kubernetes-list-type"):
        case "set":
            checks.append(_unique_items)
        case "map":
            checks.append(_unique_keys(tuple(schema.get("x-kubernetes-list-map-keys") or ())))
        case _ if schema.get("uniqueItems"):
            checks.append(_no_duplicates)
    return checks


def _max_items(limit: int) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) > limit:
            report.add(too_many(render(trail), len(value), limit))

    return check


def _min_items(limit: int) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) < limit:
            report.add(unacceptable(trail, len(value), f"should have at least {limit} items"))

    return check


def _identity(value: Any) -> Any:
    """A hashable stand-in that is equal for equal JSON values only (in Python 1 == True == 1.0)."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int or (kind is float and value.is_integer()):
        return ("number", value)
    return (kind, jsonio.dumps_sorted(value))


def _unique_items(value: Any, trail: Trail, report: Report) -> None:
    seen: set[Any] = set()
    for position, item in enumerate(value):
        identity = _identity(item)
        if identity in seen:
            report.add(duplicate(render((trail, position)), item))
        seen.add(identity)


def _no_duplicates(value: Any, trail: Trail, report: Report) -> None:
    if len({_identity(item) for item in value}) != len(value):
        report.add(unacceptable(trail, "", "shouldn't contain duplicates"))


def _unique_keys(names: tuple[str, ...]) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) < 2:
            return
        seen: set[Any] = set()
        for position, item in enumerate(value):
            if type(item) is not dict:
                continue
            identity = tuple([_identity(item.get(name)) for name in names])
            if identity in seen:
                keys = {name: item[name] for name in names if name in item}
                report.add(duplicate(render((trail, position)), keys))
            seen.add(identity)

    return check
