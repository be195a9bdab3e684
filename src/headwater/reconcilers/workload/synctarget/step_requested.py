"""Say what the workloads that are placed on a SyncTarget request (pure)."""

from __future__ import annotations

from decimal import Decimal

from headwater.machinery.objects import Object
from headwater.machinery.quantity import BINARY_SI, DECIMAL_SI, format_quantity
from headwater.scheduling.model import Resources

_BYTES = ("memory", "ephemeral-storage", "storage")
_HUGE_PAGES = "hugepages-"


def record_requested(sync_target: Object, requested: Resources) -> None:
    """Set `status.requested`, an empty map when nothing is placed. Changes `sync_target` (status only)."""
    amounts = {resource: _quantity(resource, requested[resource]) for resource in sorted(requested)}
    nonzero = {resource: text for resource, text in amounts.items() if text != "0"}
    sync_target.setdefault("status", {})["requested"] = nonzero


def _quantity(resource: str, amount: int) -> str:
    """The quantity of an amount: thousandths of a core, bytes, or a number of things."""
    if resource == "cpu":
        return format_quantity(Decimal(amount) / 1000)
    return format_quantity(amount, BINARY_SI if resource in _BYTES or resource.startswith(_HUGE_PAGES) else DECIMAL_SI)
