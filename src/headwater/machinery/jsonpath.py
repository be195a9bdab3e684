"""JSON paths of printer columns and ``kubectl -o jsonpath``: ``.spec.replicas``, ``.items[*].name``,
``.status.conditions[?(@.type=="Ready")].status``, ``.metadata.labels['app\\.io/x']``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Step = Callable[[Iterable[Any]], list[Any]]

_FIELD = re.compile(r"(?:\\.|[^.\[\\\]{}])+")
_FILTER = re.compile(
    r"""\?\(\s*(?P<left>.+?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<right>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s)]+)\s*)?\)"""
)
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(\d+)\s*)?")
_QUOTED = re.compile(r"""'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)\"""")
_NUMBER = re.compile(r"-?\d+")
_UNESCAPE = re.compile(r"\\(.)")
_MAX_LENGTH = 4096


@lru_cache(maxsize=1024)
def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """The path as a function from an object to the values it finds, in order; an absent field finds nothing.

    The path may stand in braces and begin with ``$``. Raises ValueError when it can't be understood.
    """
    text = path.strip()
    if len(text) > _MAX_LENGTH:
        raise ValueError("JSON path is too long")
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    steps = _compile(text.removeprefix("$"), path)

    def find(obj: Any) -> list[Any]:
        values = [obj]
        for step in steps:
            values = step(values)
            if not values:
                break
        return values

    return find


def _compile(text: str, path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = 0
    while position < len(text):
        if text[position] == "[":
            end = _closing(text, position, path)
            steps.append(_bracket(text[position + 1 : end].strip(), path))
            position = end + 1
            continue
        if text.startswith("..", position):
            steps.append(_descend)
            position += 1
        if text[position] == ".":
            position += 1
            if position == len(text) or text[position] == "[":
                continue
        match = _FIELD.match(text, position)
        if match is None:
            raise ValueError(f"unexpected character {text[position]!r} in JSON path {path!r}")
        steps.append(_each if match[0] == "*" else _field(_UNESCAPE.sub(r"\1", match[0])))
        position = match.end()
    return tuple(steps)


def _closing(text: str, start: int, path: str) -> int:
    quote = ""
    position = start + 1
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "]":
            return position
        position += 1
    raise ValueError(f"unterminated bracket in JSON path {path!r}")


def _bracket(inside: str, path: str) -> Step:
    if inside == "*":
        return _each
    if _NUMBER.fullmatch(inside):
        return _item(int(inside))
    if inside.startswith("?"):
        return _filter(inside, path)
    match = _SLICE.fullmatch(inside)
    if match is not None:
        first, last, stride = (int(part) if part else None for part in match.groups())
        return _slice(first, last, stride or 1)
    names = [_UNESCAPE.sub(r"\1", single or double) for single, double in _QUOTED.findall(inside)]
    if not names or _QUOTED.sub("", inside).strip(", "):
        raise ValueError(f"invalid array index {inside} in JSON path {path!r}")
    if len(names) == 1:
        return _field(names[0])
    return lambda values: [value[name] for value in values for name in names if _has(value, name)]


def _has(value: Any, name: str) -> bool:
    return isinstance(value, dict) and name in value


def _field(name: str) -> Step:
    def step(values: Iterable[Any]) -> list[Any]:
        return [value[name] for value in values if isinstance(value, dict) and name in value]

    return step


def _item(position: int) -> Step:
    def step(values: Iterable[Any]) -> list[Any]:
        return [v[position] for v in values if isinstance(v, list) and -len(v) <= position < len(v)]

    return step


def _slice(first: int | None, last: int | None, stride: int) -> Step:
    def step(values: Iterable[Any]) -> list[Any]:
        return [item for value in values if isinstance(value, list) for item in value[first:last:stride]]

    return step


def _each(values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        if isinstance(value, list):
            out.extend(value)
        elif isinstance(value, dict):
            out.extend(value.values())
    return out


def _descend(values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        out.append(value)
        if isinstance(value, dict | list):
            out.extend(_descend(_each([value])))
    return out


def _filter(inside: str, path: str) -> Step:
    match = _FILTER.fullmatch(inside)
    if match is None:
        raise ValueError(f"invalid filter {inside} in JSON path {path!r}")
    left = _operand(match["left"], path)
    operator = match["operator"]
    if operator is None:
        return lambda values: [item for item in _each(values) if left(item)]
    right, compare = _operand(match["right"], path), _COMPARE[operator]

    def step(values: Iterable[Any]) -> list[Any]:
        return [item for item in _each(values) if _compare(left(item), right(item), compare)]

    return step


def _operand(text: str, path: str) -> Callable[[Any], list[Any]]:
    if text.startswith("@"):
        return compile_path(text[1:])
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return _constant(_UNESCAPE.sub(r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
    if text in ("true", "false"):
        return _constant(text == "true")
    try:
        return _constant(float(text) if "." in text else int(text))
    except ValueError:
        raise ValueError(f"unrecognized filter operand {text} in JSON path {path!r}") from None


def _constant(value: Any) -> Callable[[Any], list[Any]]:
    return lambda _item: [value]


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


def _compare(left: list[Any], right: list[Any], compare: Callable[[Any, Any], bool]) -> bool:
    if len(left) != 1 or len(right) != 1:
        return False
    one, other = left[0], right[0]
    if isinstance(one, bool) != isinstance(other, bool) or isinstance(one, str) != isinstance(other, str):
        return False
    try:
        return compare(one, other)
    except TypeError:
        return False
