"""Checks of strings and numbers, and the wording of type errors, as kube-openapi words them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from headwater.machinery.fieldpath import FieldError, invalid_value, too_long, type_invalid
from headwater.schema.formats import FORMATS, INTEGER_RANGES, QUANTITY_PATTERN
from headwater.schema.patterns import Pattern
from headwater.schema.trail import Report, Trail, render

Object = dict[str, Any]
Check = Callable[[Any, Trail, Report], None]
"""Adds to the report whatever is wrong with the value."""

_TYPE_NAMES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


def type_name(value: Any) -> str:
    """The JSON type of a decoded value, as OpenAPI calls it."""
    return _TYPE_NAMES[type(value)]


def wrong_type(trail: Trail, value: Any, expected: str) -> FieldError:
    path, actual = render(trail), type_name(value)
    return type_invalid(path, actual, f'{path} in body must be of type {expected}: "{actual}"')


def unacceptable(trail: Trail, value: Any, complaint: str) -> FieldError:
    """``Invalid value: <value>: <path> in body <complaint>``."""
    path = render(trail)
    return invalid_value(path, value, f"{path} in body {complaint}")


def string_checks(schema: Object) -> list[Check]:
    """Length, pattern and format; each check may count on a string."""
    checks: list[Check] = []
    if "maxLength" in schema:
        checks.append(_max_length(schema["maxLength"]))
    if "minLength" in schema:
        checks.append(_min_length(schema["minLength"]))
    if "pattern" in schema:
        checks.append(_pattern(schema["pattern"]))
    if schema.get("format") in FORMATS:
        checks.append(_format(schema["format"]))
    return checks


def number_checks(schema: Object) -> list[Check]:
    """Bounds, multiples and integer ranges; each check may count on an int or float that is no bool."""
    checks: list[Check] = []
    if schema.get("format") in INTEGER_RANGES:
        checks.append(_integer_range(schema["format"], schema.get("type", "integer")))
    if "maximum" in schema:
        checks.append(_maximum(schema["maximum"], exclusive=bool(schema.get("exclusiveMaximum"))))
    if "minimum" in schema:
        checks.append(_minimum(schema["minimum"], exclusive=bool(schema.get("exclusiveMinimum"))))
    if "multipleOf" in schema:
        checks.append(_multiple_of(schema["multipleOf"]))
    return checks


def _max_length(limit: int) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) > limit:
            report.add(too_long(render(trail), limit))

    return check


def _min_length(limit: int) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) < limit:
            report.add(unacceptable(trail, value, f"should be at least {limit} chars long"))

    return check


def _pattern(text: str) -> Check:
    pattern = Pattern(text)
    matches, microseconds = pattern.matches, pattern.microseconds

    def check(value: Any, trail: Trail, report: Report) -> None:
        report.spend(microseconds(value))
        if not matches(value):
            report.add(unacceptable(trail, value, f"should match '{text}'"))

    return check


def _format(name: str) -> Check:
    accepts = FORMATS[name]

    def check(value: Any, trail: Trail, report: Report) -> None:
        if accepts(value):
            return
        path = render(trail)
        if name == "quantity":
            detail = f"quantities must match the regular expression '{QUANTITY_PATTERN}'"
            report.add(invalid_value(path, value, detail))
        else:
            report.add(type_invalid(path, value, f'{path} in body must be of type {name}: "{value}"'))

    return check


def _integer_range(name: str, type_: str) -> Check:
    low, high = INTEGER_RANGES[name]

    def check(value: Any, trail: Trail, report: Report) -> None:
        if not low <= value <= high:
            path = render(trail)
            report.add(invalid_value(path, value, f"Checked value must be of type {type_} with format {name}"))

    return check


def _maximum(limit: float, *, exclusive: bool) -> Check:
    words = "should be less than" if exclusive else "should be less than or equal to"

    def check(value: Any, trail: Trail, report: Report) -> None:
        if value > limit or (exclusive and value == limit):
            report.add(unacceptable(trail, value, f"{words} {_number(limit)}"))

    return check


def _minimum(limit: float, *, exclusive: bool) -> Check:
    words = "should be greater than" if exclusive else "should be greater than or equal to"

    def check(value: Any, trail: Trail, report: Report) -> None:
        if value < limit or (exclusive and value == limit):
            report.add(unacceptable(trail, value, f"{words} {_number(limit)}"))

    return check


def _multiple_of(factor: float) -> Check:
    exact = Decimal(str(factor))

    def check(value: Any, trail: Trail, report: Report) -> None:
        if Decimal(str(value)) % exact:
            report.add(unacceptable(trail, value, f"should be a multiple of {_number(factor)}"))

    return check


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
