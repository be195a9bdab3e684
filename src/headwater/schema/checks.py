"""Compilation of a schema's value checks into closures: types, members, items, enums and combinations.

The wording is that of kube-openapi as the API server shows it for custom resources. Rules in CEL are in `rules`.
"""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio
from headwater.machinery.fieldpath import not_supported, required
from headwater.schema.combinations import combination_checks
from headwater.schema.listtypes import list_checks
from headwater.schema.parts import Entries, Parts
from headwater.schema.resource import effective
from headwater.schema.scalars import Check, number_checks, string_checks, unacceptable, wrong_type
from headwater.schema.trail import Report, Trail, render

Object = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_ANY = (dict, list, str, int, float, bool)


_shared: Entries[tuple[Check | None, type | None]] = {}


class CheckCompiler:
    """Compiles a schema, each of its parts once."""

    def __init__(self) -> None:
        self._parts = Parts(_shared)

    def compile(self, schema: Object) -> Check | None:
        """The check of a schema; None if it accepts everything."""
        return self._parts.get(schema, self._compile)[0]

    def plain_type(self, schema: Object) -> type | None:
        """The one Python type whose every value the schema accepts, if it is that simple: lets parents skip a call."""
        return self._parts.get(schema, self._compile)[1]

    def _compile(self, schema: Object) -> tuple[Check | None, type | None]:
        schema = effective(schema)
        expected, accepted = _expectation(schema)
        parts: dict[type, Check] = {}
        for kind, checks in self._checks_by_type(schema, accepted).items():
            if checks:
                parts[kind] = _all(checks)
        general = [*_enum(schema), *combination_checks(schema, self.compile)]
        if schema.get("nullable"):
            accepted = (*accepted, type(None))
        if not expected:
            return (_untyped(parts, general) if parts or general else None), None
        check = _typed(frozenset(accepted), expected, parts, _all(general) if general else None)
        plain = accepted[0] if len(accepted) == 1 and not parts and not general else None
        return check, plain

    def _checks_by_type(self, schema: Object, accepted: tuple[type, ...]) -> dict[type, list[Check]]:
        """The checks for each type that a value may have."""
        numbers = number_checks(schema)
        by_type = {
            dict: lambda: self._object_checks(schema),
            list: lambda: self._array_checks(schema),
            str: lambda: string_checks(schema),
            int: lambda: numbers,
            float: lambda: numbers,
        }
        return {kind: by_type[kind]() for kind in accepted if kind in by_type}

    def _object_checks(self, schema: Object) -> list[Check]:
        checks: list[Check] = []
        properties: Object = schema.get("properties") or {}
        additional = schema.get("additionalProperties")
        values = self.compile(additional) if isinstance(additional, dict) else None
        if properties:
            members = {name: check for name, child in properties.items() if (check := self.compile(child)) is not None}
            plain = {name: kind for name, child in properties.items() if (kind := self.plain_type(child)) is not None}
            if members or values is not None:
                checks.append(_members(members, plain, values, frozenset(properties)))
        elif values is not None:
            checks.append(_values(values, self.plain_type(additional) if isinstance(additional, dict) else None))
        if schema.get("required"):
            checks.append(_required(tuple(schema["required"])))
        if "maxProperties" in schema:
            checks.append(_property_count(schema["maxProperties"], most=True))
        if "minProperties" in schema:
            checks.append(_property_count(schema["minProperties"], most=False))
        return checks

    def _array_checks(self, schema: Object) -> list[Check]:
        checks: list[Check] = []
        items = schema.get("items")
        item_check = self.compile(items) if items is not None else None
        if items is not None and item_check is not None:
            checks.append(_items(item_check, self.plain_type(items)))
        return [*checks, *list_checks(schema)]


def _expectation(schema: Object) -> tuple[str, tuple[type, ...]]:
    """What to call the expected type in errors ("" for any), and the Python types that are it."""
    if schema.get("x-kubernetes-int-or-string"):
        return "integer,string", (int, str, float) if schema.get("format") == "quantity" else (int, str)
    name = schema.get("type", "")
    return name, _TYPES[name] if name else _ANY


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    first, second, rest = checks[0], checks[1], tuple(checks[2:])

    def check(value: Any, trail: Trail, report: Report) -> None:
        first(value, trail, report)
        second(value, trail, report)
        for other in rest:
            other(value, trail, report)

    return check


def _untyped(parts: dict[type, Check], general: list[Check]) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        part = parts.get(type(value))
        if part is not None:
            part(value, trail, report)
        for one in general:
            one(value, trail, report)

    return check


def _typed(accepted: frozenset[type], expected: str, parts: dict[type, Check], general: Check | None) -> Check:
    whole_numbers = expected == "integer"
    only = next(iter(accepted)) if len(accepted) == 1 else None
    part_of_only = parts.get(only) if only is not None else None

    def check_one(value: Any, trail: Trail, report: Report) -> None:
        if type(value) is only and part_of_only is not None:
            part_of_only(value, trail, report)
        else:
            check(value, trail, report)

    def check(value: Any, trail: Trail, report: Report) -> None:
        kind = type(value)
        if kind not in accepted:
            if not (whole_numbers and kind is float and value.is_integer()):
                report.add(wrong_type(trail, value, expected))
                return
            kind = int
        part = parts.get(kind)
        if part is not None:
            part(value, trail, report)
        if general is not None:
            general(value, trail, report)

    return check_one if part_of_only is not None and general is None else check


def _members(members: dict[str, Check], plain: dict[str, type], values: Check | None, known: frozenset[str]) -> Check:
    def check(value: Any, trail: Trail, report: Report) -> None:
        for name, item in value.items():
            if plain.get(name) is type(item):
                continue
            member = members.get(name)
            if member is not None:
                member(item, (trail, name), report)
            elif values is not None and name not in known:
                values(item, (trail, name), report)

    return check


def _values(values: Check, plain: type | None) -> Check:
    allowed = {plain}

    def check(value: Any, trail: Trail, report: Report) -> None:
        if plain is not None and allowed.issuperset(map(type, value.values())):
            return
        for name, item in value.items():
            values(item, (trail, name), report)

    return check


def _items(items: Check, plain: type | None) -> Check:
    allowed = {plain}

    def check(value: Any, trail: Trail, report: Report) -> None:
        if plain is not None and allowed.issuperset(map(type, value)):
            return
        for position, item in enumerate(value):
            items(item, (trail, position), report)

    return check


def _required(names: tuple[str, ...]) -> Check:
    wanted = frozenset(names)

    def check(value: Any, trail: Trail, report: Report) -> None:
        if wanted <= value.keys():
            return
        for name in names:
            if name not in value:
                report.add(required(render((trail, name))))

    return check


def _property_count(limit: int, *, most: bool) -> Check:
    words = f"should have at {'most' if most else 'least'} {limit} properties"

    def check(value: Any, trail: Trail, report: Report) -> None:
        if len(value) > limit if most else len(value) < limit:
            report.add(unacceptable(trail, limit, words))

    return check


def _enum(schema: Object) -> list[Check]:
    values = schema.get("enum")
    if values is None:
        return []
    if schema.get("nullable"):
        values = [value for value in values if value is not None]
    shown = [value if isinstance(value, str) else jsonio.dumps(value).decode() for value in values]
    allowed = {(type(value), jsonio.dumps_sorted(value)) for value in values}
    strings = frozenset(value for value in values if isinstance(value, str))
    nullable = bool(schema.get("nullable"))

    def check(value: Any, trail: Trail, report: Report) -> None:
        if value in strings if type(value) is str else (type(value), jsonio.dumps_sorted(value)) in allowed:
            return
        if not (value is None and nullable):
            report.add(not_supported(render(trail), value, shown))

    return [check]
