"""Count a Location's instances (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from headwater.apis.placement.v1alpha1.location import (
    CONDITION_LOCATION_READY,
    REASON_INVALID_SELECTOR,
    REASON_NO_AVAILABLE_INSTANCES,
    REASON_NO_INSTANCES,
)
from headwater.apis.workload.labels import LOCATION_LABELS_ANNOTATION
from headwater.machinery.conditions import mark_false, mark_true
from headwater.machinery.objects import Object, labels, set_annotation
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.model import Target
from headwater.scheduling.snapshot import location_from


def record_labels(location: Object) -> None:
    """Keep the annotation that the printer column shows equal to the labels. Changes `location` (metadata only)."""
    text = " ".join(f"{key}={value}" for key, value in sorted(labels(location).items()))
    if annotations_of(location).get(LOCATION_LABELS_ANNOTATION, "") != text:
        set_annotation(location, LOCATION_LABELS_ANNOTATION, text or None)


def record_counts(location: Object, targets: Iterable[Target], now: datetime) -> None:
    """Count instances and available instances, and say whether any can be used. Changes `location` (status only)."""
    status = location.setdefault("status", {})
    try:
        described = location_from(location)
    except ValueError as error:
        mark_false(location, CONDITION_LOCATION_READY, REASON_INVALID_SELECTOR, "Error", str(error), now)
        return
    instances = [target for target in targets if described.holds(target)]
    available = [
        target
        for target in instances
        if target.not_ready_since is None
        and not target.unschedulable
        and not (target.evict_after is not None and target.evict_after <= now)
    ]
    status["instances"] = len(instances)
    status["availableInstances"] = len(available)
    if available:
        mark_true(location, CONDITION_LOCATION_READY, now)
    elif instances:
        message = f"none of {len(instances)} SyncTargets is ready and schedulable"
        mark_false(location, CONDITION_LOCATION_READY, REASON_NO_AVAILABLE_INSTANCES, "Warning", message, now)
    else:
        message = "instanceSelector matches no SyncTarget of this workspace"
        mark_false(location, CONDITION_LOCATION_READY, REASON_NO_INSTANCES, "Warning", message, now)
