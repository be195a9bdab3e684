"""Label selectors: parsing, printing, matching, and conversion from ``metav1.LabelSelector`` objects.

The grammar and the messages are Kubernetes'. A selector compiles itself once into the cheapest test that will do,
because lists and watches run it for each object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from headwater.machinery.fieldpath import (
    FieldError,
    aggregate,
    child,
    forbidden_field,
    index,
    invalid_value,
    key,
    quote,
    required,
)
from headwater.machinery.names import label_value_errors, qualified_name_errors, validate_labels
from headwater.machinery.selectorgrammar import (
    DOES_NOT_EXIST,
    DOUBLE_EQUALS,
    EQUALS,
    EXISTS,
    GREATER_THAN,
    IN,
    LESS_THAN,
    NOT_EQUALS,
    NOT_IN,
    parse_terms,
)

Labels = Mapping[str, str]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_MAX_INTEGER = 2**63
_SYMBOLS = {EQUALS: "=", DOUBLE_EQUALS: "==", NOT_EQUALS: "!=", GREATER_THAN: ">", LESS_THAN: "<"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a selector: a label key, an operator of `selectorgrammar`, and its values, sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        if self.operator in (IN, NOT_IN):
            # Kubernetes prints a set of only the empty value as (), which it can't read back.
            values = ",".join(self.values) or ("," if self.values else "")
            return f"{self.key} {self.operator} ({values})"
        return f"{self.key}{_SYMBOLS[self.operator]}{self.values[0]}"

    def errors(self) -> list[FieldError]:
        """What Kubernetes would not accept about this term."""
        found = [invalid_value("key", self.key, "; ".join(why))] if (why := qualified_name_errors(self.key)) else []
        if self.operator in (IN, NOT_IN) and not self.values:
            found.append(invalid_value("values", [], "for 'in', 'notin' operators, values set can't be empty"))
        for position, value in enumerate(self.values):
            path = index("values", position)
            if self.operator in (GREATER_THAN, LESS_THAN) and _integer(value) is None:
                detail = "for 'Gt', 'Lt' operators, the value must be an integer"
                found.append(invalid_value(path, value, detail))
            if why := label_value_errors(value):
                found.append(invalid_value(key(path, self.key), value, "; ".join(why)))
        return found

    def test(self) -> Callable[[Labels], bool]:
        """The term as a function of an object's labels."""
        name, values = self.key, frozenset(self.values)
        if self.operator == EXISTS:
            return lambda labels: name in labels
        if self.operator == DOES_NOT_EXIST:
            return lambda labels: name not in labels
        if self.operator in (GREATER_THAN, LESS_THAN):
            return self._number_test()
        if self.operator in (NOT_IN, NOT_EQUALS):
            return lambda labels: labels.get(name) not in values
        if len(values) == 1:
            (only,) = values
            return lambda labels: labels.get(name) == only
        return lambda labels: labels.get(name) in values

    def _number_test(self) -> Callable[[Labels], bool]:
        name, bound, above = self.key, int(self.values[0]), self.operator == GREATER_THAN

        def test(labels: Labels) -> bool:
            number = _integer(labels.get(name, ""))
            return number is not None and (number > bound if above else number < bound)

        return test


class Selector:
    """A conjunction of requirements; immutable, compared and hashed by what it selects. Print it with ``str``."""

    __slots__ = ("_text", "matches", "requirements")

    matches: Callable[[Labels], bool]
    """Whether an object with these labels is selected."""

    def __init__(self, requirements: Iterable[Requirement] = (), *, nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self._text = None if nothing else ",".join(map(str, self.requirements))
        self.matches = _never if nothing else _compile(self.requirements)

    @property
    def empty(self) -> bool:
        """Whether everything is selected."""
        return self._text is not None and not self.requirements

    @property
    def nothing(self) -> bool:
        """Whether nothing can be selected, as by an absent ``LabelSelector``."""
        return self._text is None

    def exact_value(self, label: str) -> str | None:
        """The only value of the label that objects may have to be selected, if the selector says one: for indexes."""
        for requirement in self.requirements:
            if requirement.key == label and requirement.operator in (EQUALS, DOUBLE_EQUALS, IN):
                return requirement.values[0] if len(requirement.values) == 1 else None
        return None

    def __str__(self) -> str:
        return self._text or ""

    def __repr__(self) -> str:
        return "Selector(nothing)" if self._text is None else f"Selector({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _never(_labels: Labels) -> bool:
    return False


def _always(_labels: Labels) -> bool:
    return True


def _compile(requirements: tuple[Requirement, ...]) -> Callable[[Labels], bool]:
    if not requirements:
        return _always
    tests = tuple(requirement.test() for requirement in requirements)
    if len(tests) == 1:
        return tests[0]
    if all(requirement.operator in (EQUALS, DOUBLE_EQUALS) for requirement in requirements):
        wanted = {(requirement.key, requirement.values[0]) for requirement in requirements}
        return lambda labels: wanted <= labels.items()

    def every(labels: Labels) -> bool:
        for test in tests:
            if not test(labels):
                return False
        return True

    return every


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


@lru_cache(maxsize=1024)
def parse_selector(text: str) -> Selector:
    """Read a selector as kubectl's ``-l`` takes it; "" selects everything. Raises ValueError in Kubernetes' words."""
    requirements = [Requirement(*term) for term in parse_terms(text)]
    for requirement in requirements:
        if errors := requirement.errors():
            raise ValueError(f"unable to parse requirement: {aggregate(errors)}")
    return Selector(requirements) if requirements else EVERYTHING


_EXPRESSION_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}


def selector_from_label_selector(obj: Mapping[str, Any] | None) -> Selector:
    """Convert a ``metav1.LabelSelector``: None selects nothing, an empty one everything.

    Raises ValueError for a selector that `validate_label_selector` would refuse.
    """
    if obj is None:
        return NOTHING
    requirements = [Requirement(name, EQUALS, (value,)) for name, value in (obj.get("matchLabels") or {}).items()]
    for expression in obj.get("matchExpressions") or ():
        operator = _EXPRESSION_OPERATORS.get(expression.get("operator") or "")
        if operator is None:
            raise ValueError(f"{quote(expression.get('operator') or '')} is not a valid label selector operator")
        values = tuple(sorted(set(expression.get("values") or ())))
        requirements.append(Requirement(expression.get("key") or "", operator, values))
    for requirement in requirements:
        if errors := requirement.errors():
            raise ValueError(aggregate(errors))
    return Selector(requirements) if requirements else EVERYTHING


def label_selector_of(selector: Selector) -> dict[str, Any]:
    """Convert to a ``metav1.LabelSelector``. Raises ValueError for nothing and for ``>`` and ``<``, which it lacks."""
    if selector.nothing:
        raise ValueError("a selector of nothing has no label selector")
    match_labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    names = {operator: name for name, operator in _EXPRESSION_OPERATORS.items()} | {NOT_EQUALS: "NotIn"}
    for requirement in selector.requirements:
        if requirement.operator in (EQUALS, DOUBLE_EQUALS):
            match_labels[requirement.key] = requirement.values[0]
        elif requirement.operator in names:
            entry: dict[str, Any] = {"key": requirement.key, "operator": names[requirement.operator]}
            expressions.append({**entry, "values": list(requirement.values)} if requirement.values else entry)
        else:
            raise ValueError(f"operator {_SYMBOLS[requirement.operator]!r} can't be used here")
    result: dict[str, Any] = {}
    if match_labels:
        result["matchLabels"] = match_labels
    if expressions:
        result["matchExpressions"] = expressions
    return result


def validate_label_selector(obj: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    """What is wrong with a ``metav1.LabelSelector`` whose types a schema has checked already."""
    if obj is None:
        return []
    errors = validate_labels(obj.get("matchLabels") or {}, child(path, "matchLabels"))
    for position, expression in enumerate(obj.get("matchExpressions") or ()):
        errors += _validate_expression(expression, index(child(path, "matchExpressions"), position))
    return errors


def _validate_expression(expression: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = expression.get("operator") or "", expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(child(path, "values"), "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden_field(child(path, "values"), detail))
    else:
        errors.append(invalid_value(child(path, "operator"), operator, "not a valid selector operator"))
    name = expression.get("key") or ""
    errors += [invalid_value(child(path, "key"), name, why) for why in qualified_name_errors(name)]
    for position, value in enumerate(values):
        where = index(child(path, "values"), position)
        errors += [invalid_value(where, value, why) for why in label_value_errors(value)]
    return errors


def _integer(text: str) -> int | None:
    if _INTEGER.fullmatch(text) is None:
        return None
    number = int(text) if len(text) <= 20 else _MAX_INTEGER
    return number if -_MAX_INTEGER <= number < _MAX_INTEGER else None
