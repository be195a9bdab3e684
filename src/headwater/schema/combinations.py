"""Checks of ``allOf``, ``anyOf``, ``oneOf`` and ``not``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.machinery.fieldpath import FieldError, invalid_value
from headwater.schema.scalars import Check
from headwater.schema.trail import Report, TooManyErrors, Trail, render

Object = dict[str, Any]


def combination_checks(schema: Object, compile_: Callable[[Object], Check | None]) -> list[Check]:
    """The checks of the four keywords; ``compile_`` compiles the schemas in them."""
    checks: list[Check] = []
    for keyword, combine in (("allOf", _all_of), ("anyOf", _any_of), ("oneOf", _one_of)):
        if schema.get(keyword):
            checks += combine([compile_(branch) or _accept for branch in schema[keyword]])
    if schema.get("not") is not None:
        checks.append(_not(compile_(schema["not"]) or _accept))
    return checks


def _accept(value: Any, trail: Trail, report: Report) -> None:
    """The check of a schema that accepts everything."""


def _errors(branch: Check, value: Any, trail: Trail) -> list[FieldError]:
    report = Report()
    try:
        branch(value, trail, report)
    except TooManyErrors:
        pass
    return report.errors


def _failed(trail: Trail, complaint: str) -> FieldError:
    path = render(trail)
    return invalid_value(path, "", f'"{path}" {complaint}')


def _all_of(branches: list[Check]) -> list[Check]:
    return branches


def _any_of(branches: list[Check]) -> list[Check]:
    def check(value: Any, trail: Trail, report: Report) -> None:
        closest: list[FieldError] = []
        for branch in branches:
            errors = _errors(branch, value, trail)
            if not errors:
                return
            closest = errors if not closest or len(errors) < len(closest) else closest
        report.add(_failed(trail, "must validate at least one schema (anyOf)"))
        for error in closest:
            report.add(error)

    return [check]


def _one_of(branches: list[Check]) -> list[Check]:
    def check(value: Any, trail: Trail, report: Report) -> None:
        results = [_errors(branch, value, trail) for branch in branches]
        valid = sum(not errors for errors in results)
        if valid == 1:
            return
        found = f"Found {valid} valid alternatives" if valid else "Found none valid"
        report.add(_failed(trail, f"must validate one and only one schema (oneOf). {found}"))
        if not valid:
            for error in min(results, key=len):
                report.add(error)

    return [check]


def _not(branch: Check) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if not _errors(branch, value, trail):
            report.add(_failed(trail, "must not validate the schema (not)"))

    return check
