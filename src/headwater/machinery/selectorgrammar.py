"""The grammar of label selectors as text: ``app=web,tier in (a,b),!legacy,size>3``."""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.names import qualified_name_errors

IN, NOT_IN, EQUALS, DOUBLE_EQUALS, NOT_EQUALS = "in", "notin", "=", "==", "!="
GREATER_THAN, LESS_THAN, EXISTS, DOES_NOT_EXIST = "gt", "lt", "exists", "!"

BINARY_OPERATORS = (IN, NOT_IN, EQUALS, DOUBLE_EQUALS, NOT_EQUALS, GREATER_THAN, LESS_THAN)

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),><]|[^=!(),>< \t\r\n]+)")
_SYMBOLS = frozenset({"==", "!=", "=", "!", "(", ")", ",", ">", "<"})
_OPERATORS = {
    "in": IN,
    "notin": NOT_IN,
    "=": EQUALS,
    "==": DOUBLE_EQUALS,
    "!=": NOT_EQUALS,
    ">": GREATER_THAN,
    "<": LESS_THAN,
}


class ParsedRequirement(NamedTuple):
    """One term as written; its values are sorted, each once."""

    key: str
    operator: str
    values: tuple[str, ...]


def parse_terms(text: str) -> list[ParsedRequirement]:
    """The terms of a selector in their order; raises ValueError with Kubernetes' message."""
    tokens = _Tokens(text)
    terms: list[ParsedRequirement] = []
    while not tokens.at_end():
        if not tokens.at_identifier() and tokens.literal() != "!":
            raise ValueError(f"found '{tokens.literal()}', expected: !, identifier, or 'end of string'")
        try:
            terms.append(_term(tokens))
        except ValueError as error:
            raise ValueError(f"unable to parse requirement: {error}") from None
        if tokens.at_end():
            break
        literal = tokens.take()
        if literal != ",":
            raise ValueError(f"found '{literal}', expected: ',' or 'end of string'")
        if not tokens.at_identifier() and tokens.literal() != "!":
            raise ValueError(f"found '{tokens.literal()}', expected: identifier after ','")
    return terms


class _Tokens:
    """The text cut into symbols and identifiers, with a position. At the end every literal is empty."""

    __slots__ = ("_literals", "_position")

    def __init__(self, text: str) -> None:
        self._literals = _TOKEN.findall(text)
        self._position = 0

    def literal(self) -> str:
        return self._literals[self._position] if self._position < len(self._literals) else ""

    def at_end(self) -> bool:
        return self._position >= len(self._literals)

    def at_identifier(self) -> bool:
        return not self.at_end() and self._literals[self._position] not in _SYMBOLS

    def take(self) -> str:
        literal = self.literal()
        self._position += 1
        return literal


def _term(tokens: _Tokens) -> ParsedRequirement:
    negated = tokens.literal() == "!"
    if negated:
        tokens.take()
    if not tokens.at_identifier():
        raise ValueError(f"found '{tokens.literal()}', expected: identifier")
    key = tokens.take()
    if errors := qualified_name_errors(key):
        raise ValueError(str(invalid_value("", key, "; ".join(errors))))
    if negated:
        return ParsedRequirement(key, DOES_NOT_EXIST, ())
    if tokens.at_end() or tokens.literal() == ",":
        return ParsedRequirement(key, EXISTS, ())
    literal = tokens.take()
    operator = _OPERATORS.get(literal)
    if operator is None:
        raise ValueError(f"found '{literal}', expected: {', '.join(BINARY_OPERATORS)}")
    values = _value_set(tokens) if operator in (IN, NOT_IN) else {_exact_value(tokens)}
    return ParsedRequirement(key, operator, tuple(sorted(values)))


def _exact_value(tokens: _Tokens) -> str:
    if tokens.at_end() or tokens.literal() == ",":
        return ""
    if not tokens.at_identifier():
        raise ValueError(f"found '{tokens.literal()}', expected: identifier")
    return tokens.take()


def _value_set(tokens: _Tokens) -> set[str]:
    if (literal := tokens.take()) != "(":
        raise ValueError(f"found '{literal}' expected: '('")
    if tokens.literal() == ")":
        tokens.take()
        return set()
    if not tokens.at_identifier() and tokens.literal() != ",":
        raise ValueError(f"found '{tokens.literal()}', expected: ',', ')' or identifier")
    values: set[str] = set()
    while True:
        values.add(tokens.take() if tokens.at_identifier() else "")
        literal = tokens.take()
        if literal == ")":
            return values
        if literal != ",":
            raise ValueError(f"found '{literal}', expected: ',' or ')'")
