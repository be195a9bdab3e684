"""Whether Python's engine may match a pattern: only where its structure shows that it needs no exponential time."""

from __future__ import annotations

import re
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_CHARACTERS = range(128)
_EVERY = (1 << 129) - 1
_BEYOND_ASCII = 1 << 128
_SINGLE = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY)
_FOREIGN = re.compile(r"\[\[:|\\[pPzZCQEAaB]|\(\?[^:P)]|\(\?P[=>]")
"""Syntax that the two engines read differently or that only one of them has."""

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""What generators write for every quantity. Its parts exclude each other, which the analysis is too simple to see."""


def runs_directly(text: str) -> bool:
    """Whether Python's engine matches this pattern like RE2 and in at most quadratic time."""
    if text == QUANTITY:
        return True
    if _FOREIGN.search(text):
        return False
    try:
        parsed = _parser.parse(text, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return False
    variable = _variable_parts(list(parsed))
    if variable is None:
        return False
    allowed = 1 if text.startswith("^") else 0  # an unanchored search is a loop of its own
    sets = [_charset([part]) for part in variable]
    for position, charset in enumerate(sets):
        if sum(bool(charset & other) for other in sets[position + 1 :]) > allowed:
            return False
    return True


def _variable_parts(items: list[Any]) -> list[Any] | None:
    """The parts that can match more than one length or in more than one way, innermost first of optional ones.

    None if a part can match the same text in a number of ways that grows with the text, or is none of RE2's.
    """
    out: list[Any] = []
    for item in items:
        operation, argument = item
        if operation in _SINGLE or operation is _constants.AT:
            continue
        if operation is _constants.SUBPATTERN:
            inner = _variable_parts(list(argument[3]))
        elif operation is _constants.BRANCH:
            inner = _branch_parts(item)
        elif operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            inner = _repeat_parts(item)
        else:
            return None
        if inner is None:
            return None
        out += inner
    return out


def _branch_parts(item: Any) -> list[Any] | None:
    parts: list[Any] = []
    for branch in item[1][1]:
        inner = _variable_parts(list(branch))
        if inner is None:
            return None
        parts += inner
    return parts or [item]


def _repeat_parts(item: Any) -> list[Any] | None:
    low, high, body = item[1]
    items = _opened(list(body))
    if len(items) == 1 and items[0][0] in _SINGLE:
        return [] if low == high else [item]
    if high <= 1:
        inner = _variable_parts(items)
        return inner if inner is None else (inner or [item])
    if all(inner[0] in _SINGLE for inner in items):
        return [item]
    return [item] if _delimited(items) else None


def _opened(items: list[Any]) -> list[Any]:
    """The items with groups replaced by what is in them."""
    out: list[Any] = []
    for operation, argument in items:
        if operation is _constants.SUBPATTERN:
            out += _opened(list(argument[3]))
        else:
            out.append((operation, argument))
    return out


def _delimited(body: list[Any]) -> bool:
    """Whether each round of a repeat begins or ends with a character that the rest of the round can't contain.

    Then a text divides into rounds in one way only. The rest must match its text in one way too.
    """
    for edge, rest in ((body[0], body[1:]), (body[-1], body[:-1])):
        if edge[0] in _SINGLE and not _charset([edge]) & _charset(rest) and _unambiguous(rest):
            return True
    return False


def _unambiguous(items: list[Any]) -> bool:
    """Whether any text is matched in at most one way: single characters and at most one part of variable length."""
    variable = [item for item in _opened(items) if item[0] not in _SINGLE]
    if not variable:
        return True
    if len(variable) > 1 or variable[0][0] not in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return False
    low, high, body = variable[0][1]
    inner = _opened(list(body))
    if len(inner) == 1 and inner[0][0] in _SINGLE:
        return True
    if high > 1:
        return bool(inner) and _delimited(inner)
    return low == high or (body.getwidth()[0] > 0 and _unambiguous(inner))


def _charset(items: list[Any]) -> int:
    """The characters that can occur in what the items match: a bit per ASCII character, one for all others."""
    bits = 0
    for operation, argument in _opened(items):
        if operation is _constants.LITERAL:
            bits |= 1 << argument if argument < 128 else _BEYOND_ASCII
        elif operation is _constants.NOT_LITERAL:
            bits |= _EVERY & ~(1 << argument if argument < 128 else 0)
        elif operation is _constants.IN:
            bits |= _class_bits(argument)
        elif operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            bits |= _charset(list(argument[2]))
        elif operation is _constants.BRANCH:
            for branch in argument[1]:
                bits |= _charset(list(branch))
        elif operation is not _constants.AT:
            bits |= _EVERY
    return bits


def _class_bits(members: list[Any]) -> int:
    bits, negated = 0, False
    for operation, argument in members:
        if operation is _constants.NEGATE:
            negated = True
        elif operation is _constants.LITERAL:
            bits |= 1 << argument if argument < 128 else _BEYOND_ASCII
        elif operation is _constants.RANGE:
            low, high = argument
            bits |= sum(1 << code for code in _CHARACTERS if low <= code <= high)
            bits |= _BEYOND_ASCII if high >= 128 else 0
        else:
            bits |= _category_bits(argument)
    return _EVERY & ~(bits & ~_BEYOND_ASCII) if negated else bits


def _category_bits(category: Any) -> int:
    name = str(category)
    expression = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}.get(name.rpartition("_")[2])
    if expression is None:
        return _EVERY
    test = re.compile(expression, re.ASCII)
    bits = sum(1 << code for code in _CHARACTERS if test.match(chr(code)))
    return _EVERY & ~bits if "_NOT_" in name else bits
