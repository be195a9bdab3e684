"""Whether a workload does its work on a target: what make-before-break waits for (pure)."""

from __future__ import annotations

from typing import Any

from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX, STATUS_PROMOTED
from headwater.base import jsonio
from headwater.machinery.objects import Object, nested
from headwater.machinery.objects import annotations as annotations_of

WORKLOAD_RESOURCES = frozenset(
    {("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("apps", "replicasets")}
)
"""(group, resource) of what keeps pods running. Jobs are not among them: they can't be moved without a second run."""


def reported_status(obj: Object, key: str) -> dict[str, Any] | None:
    """The status that a target's syncer reported, or None when it reported none (or what can't be read)."""
    text = annotations_of(obj).get(STATUS_DIFF_ANNOTATION_PREFIX + key)
    if not text:
        return None
    try:
        diff = jsonio.loads(text)
    except ValueError:
        return None
    status = diff.get("status") if isinstance(diff, dict) else None
    if status == STATUS_PROMOTED:
        status = obj.get("status")
    return status if isinstance(status, dict) else None


def ready_replicas(obj: Object, key: str) -> int:
    """Ready pods that a target reports; 0 when it reports none."""
    return int((reported_status(obj, key) or {}).get("readyReplicas", 0))


def ready_on(obj: Object, key: str, replicas: int | None = None) -> bool:
    """True when the target reports as many ready, up-to-date pods as the workload asks for (or as `replicas`)."""
    status = reported_status(obj, key)
    if status is None:
        return False
    if "desiredNumberScheduled" in status:
        return bool(status.get("numberReady", 0) >= status["desiredNumberScheduled"])
    wanted = nested(obj, "spec", "replicas", default=1) if replicas is None else replicas
    return bool(min(status.get("readyReplicas", 0), status.get("updatedReplicas", wanted)) >= wanted)
