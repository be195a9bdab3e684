"""Amounts of resources as people write them (pure)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from headwater.machinery.quantity import BINARY_SI, DECIMAL_SI, format_quantity
from headwater.scheduling.model import Resources

_BYTES: Final = ("memory", "storage", "ephemeral-storage", "hugepages-")


def amounts(resources: Resources) -> dict[str, str]:
    """Resource name -> quantity: `cpu` from thousandths of a core, bytes with binary suffixes."""
    return {resource: _amount(resource, amount) for resource, amount in sorted(resources.items())}


def _amount(resource: str, amount: int) -> str:
    if resource == "cpu":
        return format_quantity(Decimal(amount) / 1000)
    return format_quantity(amount, BINARY_SI if resource.startswith(_BYTES) else DECIMAL_SI)
