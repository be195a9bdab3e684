"""Resource quantities: ``500m``, ``2Gi``, ``1e3``, as exact decimal numbers with the notation they were written in."""

from __future__ import annotations

import decimal
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Self

BINARY_SI: Final = "BinarySI"
DECIMAL_SI: Final = "DecimalSI"
DECIMAL_EXPONENT: Final = "DecimalExponent"

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(.*)", re.DOTALL)
_EXPONENT = re.compile(r"[eE][+-]?[0-9]{1,2}")
_SHAPE = re.compile(r"[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*")
_DECIMAL_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_SUFFIXES = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL_NAMES = {exponent: suffix for suffix, exponent in _DECIMAL_SUFFIXES.items()}
_BINARY_NAMES = ("", *_BINARY_SUFFIXES)

_NANO = Decimal("1e-9")
_LARGEST = Decimal(2**63 - 1)
_EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_UP)
_MAX_LENGTH = 64

_SHAPE_MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


class Quantity(Decimal):
    """A decimal number that remembers its notation. Sums and differences of quantities keep the left one's.

    Values are exact down to a billionth and rounded up below that, and cut off at the 64-bit range, as in Kubernetes.
    ``str`` and `text` give Kubernetes' canonical form.
    """

    __slots__ = ("notation",)

    notation: str

    def __new__(cls, value: Decimal | int | str = 0, notation: str = DECIMAL_SI) -> Self:
        self = super().__new__(cls, value)
        self.notation = notation
        return self

    @classmethod
    def parse(cls, text: str | int | float) -> Self:
        """Read a quantity as it stands in an object; raises ValueError in Kubernetes' words."""
        value, notation = _parse(text if isinstance(text, str) else str(text))
        return cls(value, notation)

    @property
    def text(self) -> str:
        return format_quantity(self, self.notation)

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str, context: decimal.Context | None = None, /) -> str:
        return format(Decimal(self), spec) if spec else self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    def __add__(self, other: Any) -> Self:
        return type(self)(_EXACT.add(Decimal(self), other), self.notation)

    def __radd__(self, other: Any) -> Self:
        return self.__add__(other)

    def __sub__(self, other: Any) -> Self:
        return type(self)(_EXACT.subtract(Decimal(self), other), self.notation)

    def __neg__(self) -> Self:
        return type(self)(_EXACT.minus(Decimal(self)), self.notation)


def is_quantity(text: str) -> bool:
    """Whether the text can be read."""
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def format_quantity(value: Decimal | int, notation: str = DECIMAL_SI) -> str:
    """The canonical text: no fraction, and the largest suffix that allows that."""
    number = Decimal(value)
    if not number:
        return "0"
    whole = number == number.to_integral_value()
    if notation == BINARY_SI and whole and abs(number) >= 1024:
        return _format_binary(int(number))
    sign = "-" if number < 0 else ""
    digits = int(_EXACT.scaleb(abs(number), 9).to_integral_value(decimal.ROUND_UP))
    exponent = -9
    while exponent < 18 and digits % 1000 == 0:
        digits //= 1000
        exponent += 3
    if notation == DECIMAL_EXPONENT:
        return f"{sign}{digits}e{exponent}" if exponent else f"{sign}{digits}"
    return f"{sign}{digits}{_DECIMAL_NAMES[exponent]}"


def _format_binary(number: int) -> str:
    power = 0
    while power < len(_BINARY_NAMES) - 1 and number % 1024 == 0:
        number //= 1024
        power += 1
    return f"{number}{_BINARY_NAMES[power]}"


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Decimal, str]:
    if len(text) > _MAX_LENGTH:
        raise ValueError(_SHAPE_MESSAGE)
    match = _NUMBER.fullmatch(text)
    if match is None or _SHAPE.fullmatch(text) is None:
        raise ValueError(_SHAPE_MESSAGE)
    digits, suffix = match.groups()
    number = Decimal(digits)
    if suffix in _DECIMAL_SUFFIXES:
        value, notation = _EXACT.scaleb(number, _DECIMAL_SUFFIXES[suffix]), DECIMAL_SI
    elif suffix in _BINARY_SUFFIXES:
        value, notation = _EXACT.multiply(number, Decimal(1024 ** _BINARY_SUFFIXES[suffix])), BINARY_SI
    elif _EXPONENT.fullmatch(suffix):
        value, notation = _EXACT.scaleb(number, int(suffix[1:])), DECIMAL_EXPONENT
    else:
        raise ValueError("unable to parse quantity's suffix")
    if abs(value) > _LARGEST:
        value = _LARGEST.copy_sign(value)
    return value.quantize(_NANO, context=_EXACT).normalize(_EXACT), notation
