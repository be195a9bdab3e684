"""Field selectors: ``metadata.name=web,status.phase!=Running``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

Requirement = tuple[str, str, str]
"""Field, operator (``=`` or ``!=``) and value."""


class FieldSelector:
    """A conjunction of requirements on fields; immutable. Print it with ``str``."""

    __slots__ = ("requirements",)

    def __init__(self, requirements: tuple[Requirement, ...] = ()) -> None:
        self.requirements = requirements

    @property
    def empty(self) -> bool:
        """Whether everything is selected."""
        return not self.requirements

    def matches(self, getter: Callable[[str], str]) -> bool:
        """Whether an object is selected whose fields ``getter`` gives as text; "" stands for an absent field."""
        for field, operator, value in self.requirements:
            if (getter(field) == value) is not (operator == "="):
                return False
        return True

    def exact_value(self, field: str) -> str | None:
        """The value that the selector demands of the field, if it does: ``metadata.name=x`` makes a list a lookup."""
        for name, operator, value in self.requirements:
            if name == field and operator == "=":
                return value
        return None

    def __str__(self) -> str:
        return ",".join(f"{field}{operator}{_escape(value)}" for field, operator, value in self.requirements)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSelector) and self.requirements == other.requirements

    def __hash__(self) -> int:
        return hash(self.requirements)


EVERYTHING = FieldSelector()


@lru_cache(maxsize=1024)
def parse_field_selector(text: str) -> FieldSelector:
    """Read a selector; "" selects everything. In values ``\\``, ``,`` and ``=`` are escaped by a backslash.

    Raises ValueError in Kubernetes' words. Whether the fields can be selected by is for the caller to check.
    """
    requirements = []
    for part in _split_terms(text):
        if not part:
            continue
        requirement = _split_term(part)
        if requirement is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{part}'")
        field, operator, value = requirement
        requirements.append((field, operator, _unescape(value)))
    return FieldSelector(tuple(requirements)) if requirements else EVERYTHING


def _split_terms(text: str) -> list[str]:
    terms, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == ",":
            terms.append(text[start:position])
            start = position + 1
        position += 1
    return [*terms, text[start:]]


def _split_term(term: str) -> tuple[str, str, str] | None:
    for position in range(len(term)):
        for operator in ("!=", "==", "="):
            if term.startswith(operator, position):
                canonical = "!=" if operator == "!=" else "="
                return term[:position], canonical, term[position + len(operator) :]
    return None


def _unescape(value: str) -> str:
    if "\\" not in value and "," not in value and "=" not in value:
        return value
    out: list[str] = []
    chars = iter(value)
    for char in chars:
        if char == "\\":
            escaped = next(chars, "")
            if escaped not in ("\\", ",", "="):
                raise ValueError(f"invalid field selector: invalid escape sequence: \\{escaped}")
            out.append(escaped)
        elif char in ",=":
            raise ValueError(f"invalid field selector: unescaped character in value: {char}")
        else:
            out.append(char)
    return "".join(out)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
