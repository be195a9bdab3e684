"""How much work a CEL expression can make, at most, as a function of the size of what it is evaluated on (pure).

The library counts rounds of comprehensions and nothing else, so an expression of a hundred characters could fill the
memory: `[self].map(a, a + a).map(a, a + a)...` doubles its value in one round each. Kubernetes estimates costs from the
schema; here they come from the expression's tree, as the library writes it down (`cel.expr.CheckedExpr`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from headwater.base.protobuf import WireError, fields

MAX_WORK: Final = 512 * 1024 * 1024
"""Bytes that an evaluation may make, or twice to eight times as many that it may look at."""
MAX_ROUNDS: Final = 10_000
_LARGEST: Final = 8 * 1024 * 1024
"""More than any object has."""
_SMALLEST: Final = 256
_MAX_STEPS: Final = 2_000
_CHEAP: Final = 16.0
"""Work for each byte that needs no closer look."""
_EVALUATION: Final = 16.0
_CONVERSION: Final = 0.1
_BYTES_A_MICROSECOND: Final = 512.0
"""Measured: what one evaluation takes, what a byte takes on its way into the library, and how fast that is then."""
_ELEMENT: Final = 16.0
_SHORTEST_ELEMENT: Final = 2.0

_CHOICES: Final = frozenset(
    {
        "_?_:_", "_&&_", "_||_", "!_", "@not_strictly_false", "_[_]", "_[?_]", "_?._", "dyn", "value", "hasValue",
        "orValue", "or", "optional.of", "optional.ofNonZeroValue", "optional.none",
    }
)  # fmt: skip
"""What makes nothing: it answers one of its arguments, or a part of it."""
_LOOKS: Final = {
    **dict.fromkeys(
        (
            "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "contains", "startsWith", "endsWith", "size",
            "indexOf", "lastIndexOf",
        ),
        0.125,
    ),
    "matches": 0.5,
}  # fmt: skip
"""What looks at its arguments and answers something small; by how much a byte that is looked at counts."""
_GROWTH: Final = {"strings.quote": 6.0, "base64.encode": 2.0}
_DIGITS: Final = 64.0
_PRECISION: Final = 1000.0
"""The most digits of a number in `format`, without and with a precision."""
_GATHERED: Final = "@result"
"""What the library calls the list that a comprehension makes."""


class TooComplex(Exception):
    """The work can't be bounded."""


class Node(NamedTuple):
    """One node of an expression: its kind, a name (of an identifier or a function), its size, and what it is made of.

    The parts of a `fold` are range, initial value, condition, step and result; its names are those of its variables. A
    constant is named `precise` when it could be a format with a precision.
    """

    kind: str
    name: str = ""
    size: float = 0.0
    parts: tuple[Node, ...] = ()
    variables: tuple[str, ...] = ()


class Bound(NamedTuple):
    """What an expression may cost: (size of its values as JSON, work), growing, from nothing to the largest.

    Between two of them the work is below the line that joins them, as it grows with the size or with a power of it.
    """

    points: tuple[tuple[int, float], ...]

    @property
    def largest(self) -> int:
        """The most bytes on which the expression may be evaluated."""
        return self.points[-1][0]

    def microseconds(self, size: int) -> int:
        """An estimate for values of this size, which have to be converted first."""
        position = min(bisect_left(self.points, (size, 0.0)), len(self.points) - 1)
        (left, least), (right, most) = self.points[max(position - 1, 0)], self.points[position]
        work = least + (most - least) * (size - left) / (right - left) if right > left else most
        return int(_EVALUATION + size * _CONVERSION + work / _BYTES_A_MICROSECOND)


@lru_cache(maxsize=4096)
def bound_of(tree: bytes) -> Bound:
    """The bound of an expression, for values for which the work stays below `MAX_WORK`.

    Raises TooComplex when it can't be bounded even for small ones.
    """
    try:
        root = parse(tree)
        points: list[tuple[int, float]] = []
        size = _LARGEST
        while size >= _SMALLEST:
            work = _work(root, size)
            if work <= MAX_WORK:
                points.append((size, work))
                if work <= _CHEAP * size:
                    break
            size //= 4
        if points:
            return Bound(((0, _work(root, 0)), *reversed(points)))
    except (WireError, RecursionError) as error:
        raise TooComplex("the expression is nested too deeply") from error
    raise TooComplex("estimated rule cost exceeds budget: what it makes could grow without bounds")


def parse(tree: bytes) -> Node:
    """The expression in a `CheckedExpr` inside of an `Any`. Raises WireError."""
    checked = _message(dict(fields(tree)).get(2))
    return _node(_message(dict(fields(checked)).get(4)))


def _node(data: bytes) -> Node:
    for number, value in fields(data):
        if number == 2 or not isinstance(value, bytes):
            continue
        inner = list(fields(value))
        if number == 3:
            texts = [each for _, each in inner if isinstance(each, bytes)]
            precise = "precise" if any(b"." in each for each in texts) else ""
            return Node("const", name=precise, size=float(sum(map(len, texts))))
        if number == 4:
            return Node("ident", name=_text(inner, 1))
        if number == 5:
            return Node("select", parts=tuple(_nodes(inner, 1)))
        if number == 6:
            return Node("call", name=_text(inner, 2), parts=(*_nodes(inner, 1), *_nodes(inner, 3)))
        if number == 7:
            return Node("make", parts=tuple(_nodes(inner, 1)))
        if number == 8:
            entries = [list(fields(_message(entry))) for at, entry in inner if at == 2]
            return Node("make", parts=tuple(node for entry in entries for at in (3, 4) for node in _nodes(entry, at)))
        if number == 9:
            parts = tuple(node for at in (2, 4, 5, 6, 7) for node in _nodes(inner, at))
            return Node("fold", name=_text(inner, 3), parts=parts, variables=(_text(inner, 1), _text(inner, 8)))
    return Node("const")


def _nodes(pairs: list[tuple[int, int | bytes]], number: int) -> list[Node]:
    return [_node(_message(value)) for at, value in pairs if at == number]


def _text(pairs: list[tuple[int, int | bytes]], number: int) -> str:
    return next((_message(value).decode() for at, value in pairs if at == number), "")


def _message(value: int | bytes | None) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("not a message")
    return value


class _Cost(NamedTuple):
    """Bytes of a value, with all that is in it, and of the work to make it."""

    size: float
    work: float


def _work(root: Node, size: int) -> float:
    return _Estimate(float(size)).of(root, {}, float(MAX_ROUNDS)).work


class _Estimate:
    def __init__(self, size: float) -> None:
        self._size = size
        self._steps = 0

    def of(self, node: Node, known: Mapping[str, float], rounds: float) -> _Cost:
        """The cost of one evaluation, in a place where at most ``rounds`` more rounds can be made."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise TooComplex("estimated rule cost exceeds budget: the expression is too complex")
        if node.kind == "const":
            return _Cost(node.size, 0.0)
        if node.kind == "ident":
            return _Cost(known.get(node.name, self._size), 0.0)
        if node.kind == "fold":
            return self._fold(node, known, rounds)
        costs = [self.of(part, known, rounds) for part in node.parts]
        work = sum(cost.work for cost in costs)
        total = sum(cost.size for cost in costs)
        if node.kind == "select":
            return _Cost(total, work)
        if node.kind == "make":
            return _Cost(total + _ELEMENT, work + _ELEMENT * (1 + len(costs)))
        made = _called(node, [cost.size for cost in costs])
        return _Cost(made.size, work + made.work)

    def _fold(self, node: Node, known: Mapping[str, float], rounds: float) -> _Cost:
        """A comprehension. The elements are together as large as the list, so one may be, and all others small."""
        values, start, condition, step, result = node.parts
        over = self.of(values, known, rounds)
        begin = self.of(start, known, rounds)
        count = 0.0 if values == Node("make") else min(rounds, over.size / _SHORTEST_ELEMENT + 1)
        left = max(rounds / count, 1.0) if count else 1.0
        size, work = begin.size, over.work + begin.work
        for element, times in ((over.size, 1.0), (_ELEMENT, count)) if count else ():
            # What was gathered before is only ever added to, so a round adds what it makes beside of that.
            inside = {**known, node.name: 0.0, **dict.fromkeys(node.variables, element)}
            for part in (condition, step):
                cost = self.of(part, inside, left)
                work += cost.work * times
                size += cost.size * times
        end = self.of(result, {**known, node.name: size}, rounds)
        return _Cost(end.size, work + end.work)


def _called(node: Node, sizes: list[float]) -> _Cost:
    """What a function makes of arguments of these sizes."""
    total = sum(sizes)
    if node.name in _CHOICES:
        return _Cost(max(sizes, default=0.0), 0.0)
    if node.name in _LOOKS:
        return _Cost(8.0, total * _LOOKS[node.name] + 8.0)
    if node.name == "_+_" and any(part.kind == "ident" and part.name == _GATHERED for part in node.parts):
        return _Cost(total, _ELEMENT)  # It is added to in place.
    size = total + _ELEMENT
    if node.name == "replace" and len(sizes) >= 3:
        size = (sizes[0] + 1) * (1 + sizes[2])
    elif node.name == "join":
        size = (sizes[0] + 1) * (1 + sum(sizes[1:]))
    elif node.name == "format" and sizes:
        plain = node.parts[0].kind == "const" and node.parts[0].name != "precise"
        size = 2 * total + sizes[0] / 2 * (_DIGITS if plain else _PRECISION)
    elif node.name in _GROWTH:
        size = total * _GROWTH[node.name] + _ELEMENT
    return _Cost(size, size)
