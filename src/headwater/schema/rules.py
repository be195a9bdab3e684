"""Validation rules in CEL (``x-kubernetes-validations``): where a schema has them, and their evaluation on objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from headwater.machinery import fieldpath
from headwater.machinery.fieldpath import FieldError
from headwater.schema.cel import CelError, Expression
from headwater.schema.resource import effective
from headwater.schema.trail import Report, Trail, render

Object = dict[str, Any]
RuleCheck = Callable[[Any, Any, bool, Trail, Report], None]
"""Checks a value against the old value; the bool says whether there is an old value to compare with."""

KEYWORD = "x-kubernetes-validations"
IMMUTABLE = "self == oldSelf"
"""By far the most common rule; it is evaluated without CEL."""
_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_SPECIAL = re.compile(r"__|[.\-/]")
_REASONS = {
    "FieldValueForbidden": fieldpath.FORBIDDEN,
    "FieldValueRequired": fieldpath.REQUIRED,
    "FieldValueDuplicate": fieldpath.DUPLICATE,
}


def compile_rules(schema: Object) -> RuleCheck | None:
    """The evaluation of all rules within a schema; None if it has none. Expressions compile when first evaluated."""
    schema = effective(schema)
    own = [_Rule(rule, schema) for rule in schema.get(KEYWORD) or ()]
    inner = _inner(schema)
    if not own:
        return inner

    def check(value: Any, old: Any, has_old: bool, trail: Trail, report: Report) -> None:
        if value is None:
            return
        for rule in own:
            rule.check(value, old, has_old, trail, report)
        if inner is not None:
            inner(value, old, has_old, trail, report)

    return check


def _inner(schema: Object) -> RuleCheck | None:
    if isinstance(schema.get("items"), dict):
        items = compile_rules(schema["items"])
        return _array(items, schema) if items is not None else None
    if isinstance(schema.get("additionalProperties"), dict):
        values = compile_rules(schema["additionalProperties"])
        return _map(values) if values is not None else None
    members = {
        name: rules for name, child in (schema.get("properties") or {}).items() if (rules := compile_rules(child))
    }
    return _members(members) if members else None


def _members(members: dict[str, RuleCheck]) -> RuleCheck:
    def check(value: Any, old: Any, has_old: bool, trail: Trail, report: Report) -> None:
        if type(value) is not dict:
            return
        before: Object = old if has_old and type(old) is dict else {}
        for name, member in members.items():
            if name in value:
                member(value[name], before.get(name), name in before, (trail, name), report)

    return check


def _map(values: RuleCheck) -> RuleCheck:
    def check(value: Any, old: Any, has_old: bool, trail: Trail, report: Report) -> None:
        if type(value) is not dict:
            return
        before: Object = old if has_old and type(old) is dict else {}
        for name, item in value.items():
            values(item, before.get(name), name in before, (trail, name), report)

    return check


def _array(items: RuleCheck, schema: Object) -> RuleCheck:
    """Only items of map lists have an old counterpart: the one with the same keys."""
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())

    def identity(item: Any) -> str:
        return repr([item.get(key) for key in keys]) if type(item) is dict else ""

    def check(value: Any, old: Any, has_old: bool, trail: Trail, report: Report) -> None:
        if type(value) is not list:
            return
        before = {identity(item): item for item in old} if keys and has_old and type(old) is list else {}
        for position, item in enumerate(value):
            name = identity(item) if before else ""
            items(item, before.get(name), name in before, (trail, position), report)

    return check


class _Rule:
    """One rule of a schema node."""

    def __init__(self, rule: Object, schema: Object) -> None:
        self._rule = rule
        self._escaped = "__" in rule.get("rule", "") + rule.get("messageExpression", "")
        self._schema = schema
        self._immutable = rule.get("rule", "").strip() == IMMUTABLE and not rule.get("optionalOldSelf")
        self._expression: Expression | None = None

    def check(self, value: Any, old: Any, has_old: bool, trail: Trail, report: Report) -> None:
        if self._immutable:
            if has_old and value != old:
                report.add(self._error(trail, self._message(value, old, report, has_old=True)))
            return
        try:
            expression = self._compiled()
            if expression.is_transition and not has_old:
                return
            given, given_old = (escaped(value), escaped(old)) if self._escaped else (value, old)
            result = expression.evaluate(given, given_old, has_old=has_old, spend=report.spend)
        except CelError as error:
            report.add(self._error(trail, f"{error} evaluating rule: {self._fallback_message()}"))
            return
        if result is not True:
            report.add(self._error(trail, self._message(given, given_old, report, has_old=has_old)))

    def _compiled(self) -> Expression:
        if self._expression is None:
            optional = bool(self._rule.get("optionalOldSelf"))
            self._expression = Expression(self._rule["rule"], optional_old_self=optional)
        return self._expression

    def _fallback_message(self) -> str:
        message: str = (self._rule.get("message") or "").strip()
        return message or f"failed rule: {self._rule['rule'].strip()}"

    def _message(self, value: Any, old: Any, report: Report, *, has_old: bool) -> str:
        text = self._rule.get("messageExpression")
        if text:
            try:
                optional = bool(self._rule.get("optionalOldSelf"))
                expression = Expression(text, optional_old_self=optional)
                made = expression.evaluate(value, old, has_old=has_old, spend=report.spend)
            except CelError:
                return self._fallback_message()
            if isinstance(made, str) and made.strip() and "\n" not in made:
                return made.strip()
        return self._fallback_message()

    def _error(self, trail: Trail, detail: str) -> FieldError:
        path = render(trail)
        relative: str = self._rule.get("fieldPath") or ""
        if relative:
            path = path + relative if path else relative.removeprefix(".")
        type_ = _REASONS.get(self._rule.get("reason", ""), fieldpath.INVALID)
        return FieldError(type_, path, self._schema.get("type", "object"), detail)


def escaped(value: Any) -> Any:
    """The value with member names as CEL can write them: ``__namespace__``, ``a__dash__b``."""
    if type(value) is list:
        return [escaped(item) for item in value]
    if type(value) is not dict:
        return value
    return {_escape(name): escaped(item) for name, item in value.items()}


def _escape(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    return _SPECIAL.sub(lambda match: _ESCAPES[match.group(0)], name)
