"""Functions that Kubernetes adds to CEL beyond the standard library: lists, regular expressions, quantities.

The library converts arguments by value, so a quantity is a map with its exact number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from headwater.machinery.quantity import Quantity, is_quantity
from headwater.schema.backtracking import runs_directly
from headwater.schema.celnetwork import network_declarations

_QUANTITY = "kubernetes.io/quantity"
_MAX_TEXT = 4096


def function_declarations(cel: Any) -> list[Any]:
    """Declarations for `cel.NewEnv`; ``cel`` is the library's module."""
    types = cel.Type
    list_, text, number = types.List(types.DYN), types.STRING, types.INT
    quantity = types.Map(types.STRING, types.STRING)

    def declare(name: str, *overloads: tuple[list[Any], Any, Callable[..., Any]], member: bool = True) -> Any:
        return cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    id=f"headwater_{name}_{position}",
                    parameters=parameters,
                    return_type=returns,
                    is_member=member,
                    impl=implementation,
                )
                for position, (parameters, returns, implementation) in enumerate(overloads)
            ],
        )

    def compare(test: Callable[[Decimal, Decimal], Any]) -> Callable[[Any, Any], Any]:
        return lambda one, other: test(_amount(one), _amount(other))

    return [
        declare("sum", ([list_], types.DYN, lambda items: sum(_plain(items)))),
        declare("min", ([list_], types.DYN, lambda items: min(_plain(items)))),
        declare("max", ([list_], types.DYN, lambda items: max(_plain(items)))),
        declare("isSorted", ([list_], types.BOOL, lambda items: _plain(items) == sorted(_plain(items)))),
        declare("find", ([text, text], text, _find)),
        declare("findAll", ([text, text], types.List(text), _find_all)),
        declare("quantity", ([text], quantity, _quantity), member=False),
        declare("isQuantity", ([text], types.BOOL, is_quantity), member=False),
        declare("isGreaterThan", ([quantity, quantity], types.BOOL, compare(lambda one, other: one > other))),
        declare("isLessThan", ([quantity, quantity], types.BOOL, compare(lambda one, other: one < other))),
        declare("compareTo", ([quantity, quantity], number, compare(lambda one, other: int(one.compare(other))))),
        declare("isInteger", ([quantity], types.BOOL, lambda one: _amount(one) == int(_amount(one)))),
        declare("asInteger", ([quantity], number, lambda one: int(_amount(one)))),
        declare("asApproximateFloat", ([quantity], types.DOUBLE, lambda one: float(_amount(one)))),
        declare("sign", ([quantity], number, lambda one: int(_amount(one).compare(Decimal(0))))),
        *network_declarations(types, declare),
    ]


def _plain(items: Any) -> list[Any]:
    return [item.plain_value() if hasattr(item, "plain_value") else item for item in items]


def _amount(quantity: Any) -> Decimal:
    value = quantity[_QUANTITY]
    return Decimal(value.plain_value() if hasattr(value, "plain_value") else value)


def _quantity(text: str) -> dict[str, str]:
    return {_QUANTITY: str(Decimal(Quantity.parse(text)).normalize())}


def _find_all(value: str, pattern: str) -> list[str]:
    if not runs_directly(pattern) or len(value) > _MAX_TEXT:
        raise ValueError("the expression is too complex for find")
    return [match.group(0) for match in re.finditer(pattern, value, re.ASCII)]


def _find(value: str, pattern: str) -> str:
    found = _find_all(value, pattern)
    return found[0] if found else ""
