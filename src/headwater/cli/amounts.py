"""How commands write times and amounts of resources: ages as kubectl does, cpu and memory in units for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

UNKNOWN = "<unknown>"
NONE = "<none>"
_MEMORY_UNITS = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def age(timestamp: str | None, now: datetime | None = None) -> str:
    """How long ago an RFC 3339 time was; of one to come, how long until then, with `in` before it."""
    from headwater.machinery.duration import human_duration
    from headwater.machinery.timestamps import parse_time

    if not timestamp:
        return UNKNOWN
    try:
        seconds = ((now or datetime.now(UTC)) - parse_time(timestamp)).total_seconds()
    except ValueError:
        return UNKNOWN
    return f"in {human_duration(-seconds)}" if seconds < -1 else human_duration(seconds)


def amount(resource: str, quantity: str | int | None) -> str:
    """A quantity of a resource list: `250m`, `1.5`, `2.4Gi`; `-` for none, and what is no quantity as it is."""
    from headwater.machinery.quantity import Quantity

    if quantity is None:
        return "-"
    try:
        value = Decimal(Quantity.parse(quantity))
    except ValueError:
        return str(quantity)
    if resource == "cpu":
        return f"{int(value * 1000)}m" if abs(value) < 1 and value else _short(value)
    if resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-"):
        return _bytes(value)
    return _short(value)


def of_which(resource: str, used: Mapping[str, Any] | None, available: Mapping[str, Any] | None) -> str:
    """`used/available` of one resource; `-` for what is not known."""
    known = available is not None and resource in available
    return (
        f"{amount(resource, (used or {}).get(resource, '0' if known else None))}/"
        f"{amount(resource, (available or {}).get(resource))}"
    )


def _short(value: Decimal) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def _bytes(value: Decimal) -> str:
    unit = ""
    for larger in _MEMORY_UNITS:
        if abs(value) < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}".removesuffix(".0") + unit
