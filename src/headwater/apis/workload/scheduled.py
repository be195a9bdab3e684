"""The condition `Scheduled` of objects that run pods: the control plane's own word among what pclusters report.

It stands in the object's `status.conditions`, so that `kubectl wait --for=condition=Scheduled` works. Whoever writes
a status that a pcluster reported keeps it, and no pcluster ever sees, or sets, it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headwater.machinery.objects import Object

CONDITION_SCHEDULED: Final = "Scheduled"
REASON_SCHEDULED: Final = "Scheduled"
REASON_NO_PLACEMENT: Final = "NoPlacement"
REASON_NO_VALID_TARGET: Final = "NoValidTarget"
REASON_PLACEMENT_NOT_READY: Final = "PlacementNotReady"
REASON_INSUFFICIENT_CAPACITY: Final = "InsufficientCapacity"

SCHEDULED_RESOURCES: Final = frozenset(
    {
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        ("apps", "daemonsets"),
        ("apps", "replicasets"),
        ("batch", "jobs"),
    }
)
"""(group, resource) of what gets the condition."""

REQUIRED_COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "StatefulSet": ("replicas",),
    "ReplicaSet": ("replicas",),
    "DaemonSet": ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"),
    "HorizontalPodAutoscaler": ("desiredReplicas",),
}
"""Counters without which Kubernetes refuses a status, by kind: whoever makes one says zero."""

_KINDS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})
_GROUPS: Final = ("apps/", "batch/")


def has_scheduled(obj: Mapping[str, Any]) -> bool:
    """Whether objects of this kind have the condition; in others a condition of that name is the pcluster's own."""
    return obj.get("kind") in _KINDS and str(obj.get("apiVersion", "")).startswith(_GROUPS)


def scheduled_condition(obj: Mapping[str, Any]) -> Object | None:
    """The condition of an object, None when it has none."""
    if not has_scheduled(obj):
        return None
    return next((each for each in _conditions(obj.get("status")) if each.get("type") == CONDITION_SCHEDULED), None)


def without_scheduled(status: Any) -> Any:
    """What a pcluster reported: a status without the condition, the very same when it is not there.

    None when nothing else is in it.
    """
    kept = [each for each in _conditions(status) if each.get("type") != CONDITION_SCHEDULED]
    if len(kept) == len(_conditions(status)):
        return status
    reported = {field: value for field, value in status.items() if field != "conditions"}
    if kept:
        reported["conditions"] = kept
    return reported or None


def with_scheduled(obj: Mapping[str, Any], status: Any, condition: Object | None) -> Any:
    """A reported status of an object with the condition behind its own ones; None stands for no status."""
    reported = without_scheduled(status)
    if condition is None:
        return reported
    zeros = dict.fromkeys(REQUIRED_COUNTERS.get(str(obj.get("kind")), ()), 0)
    return {**zeros, **(reported or {}), "conditions": [*_conditions(reported), condition]}


def _conditions(status: Any) -> list[Object]:
    found = status.get("conditions") if isinstance(status, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
