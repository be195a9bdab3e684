"""Say what the workloads that are placed on a SyncTarget request (pure)."""

from __future__ import annotations

from headwater.machinery.amounts import quantities
from headwater.machinery.objects import Object
from headwater.scheduling.model import Resources


def record_requested(sync_target: Object, requested: Resources) -> None:
    """Set `status.requested`, an empty map when nothing is placed. Changes `sync_target` (status only)."""
    nonzero = {resource: amount for resource, amount in requested.items() if amount}
    sync_target.setdefault("status", {})["requested"] = quantities(nonzero)
