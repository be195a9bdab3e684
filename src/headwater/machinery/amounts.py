"""Amounts of resources as whole numbers: cpu in thousandths of a core, everything else in bytes or pieces."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from headwater.machinery.quantity import BINARY_SI, DECIMAL_SI, Quantity, format_quantity

Amounts = Mapping[str, int]
"""Resource name to amount."""

CPU: Final = "cpu"
_MILLI: Final = 1000
_BYTES: Final = frozenset({"memory", "storage", "ephemeral-storage"})
_HUGE_PAGES: Final = "hugepages-"


def amount_of(resource: str, text: str | int | float, *, up: bool = False) -> int:
    """The amount that a quantity stands for; a fraction is cut off, or rounded up. Raises ValueError."""
    exact = Decimal(Quantity.parse(text)) * (_MILLI if resource == CPU else 1)
    return int(exact.to_integral_value(decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR))


def quantity_of(resource: str, amount: int) -> str:
    """The quantity of an amount, in the notation that people use for the resource."""
    if resource == CPU:
        return format_quantity(Decimal(amount) / _MILLI)
    is_size = resource in _BYTES or resource.startswith(_HUGE_PAGES)
    return format_quantity(amount, BINARY_SI if is_size else DECIMAL_SI)


def quantities(amounts: Amounts) -> dict[str, str]:
    """Quantities of all amounts, by resource name."""
    return {resource: quantity_of(resource, amounts[resource]) for resource in sorted(amounts)}
