"""The phase of a logical cluster as it follows from its initializers, terminators and deletion mark. Pure."""

from __future__ import annotations

from headwater.apis.core.v1alpha1.logicalcluster import TERMINATORS_FINALIZER
from headwater.apis.tenancy.v1alpha1.workspace import (
    PHASE_DELETING,
    PHASE_INITIALIZING,
    PHASE_READY,
    PHASE_TERMINATING,
)
from headwater.machinery import objects
from headwater.machinery.objects import Object


def settle_phase(logical_cluster: Object) -> None:
    """Move the phase on when nothing holds it any more."""
    status = logical_cluster.setdefault("status", {})
    if objects.deletion_timestamp(logical_cluster):
        status["phase"] = PHASE_TERMINATING if status.get("terminators") else PHASE_DELETING
    elif status.get("phase") == PHASE_INITIALIZING and not status.get("initializers"):
        status["phase"] = PHASE_READY


def release_terminators(logical_cluster: Object) -> None:
    """Without terminators nothing but the content holds a logical cluster that is being deleted."""
    if objects.deletion_timestamp(logical_cluster) and not objects.nested(logical_cluster, "status", "terminators"):
        objects.remove_finalizer(logical_cluster, TERMINATORS_FINALIZER)
