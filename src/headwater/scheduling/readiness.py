"""Whether a workload does its work on a target: what make-before-break waits for (pure)."""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import Any

from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX, STATUS_PROMOTED
from headwater.apis.workload.scheduled import has_scheduled, without_scheduled
from headwater.base import jsonio
from headwater.machinery.objects import Object
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
        status = without_scheduled(obj.get("status")) if has_scheduled(obj) else obj.get("status")
    return status if isinstance(status, dict) else None


def ready_on(obj: Object, key: str, replicas: int | None = None, unreachable: Container[str] = ()) -> bool:
    """True when the target reports as many ready, up-to-date pods as the workload asks for (or as `replicas`).

    What an unreachable target last reported is no reason to take anything off another one.
    """
    status = None if key in unreachable else reported_status(obj, key)
    if status is None:
        return False
    if "desiredNumberScheduled" in status:
        return _count(status, "numberReady") >= _count(status, "desiredNumberScheduled", sys.maxsize)
    wanted = _count(obj.get("spec"), "replicas", 1) if replicas is None else replicas
    updated = _count(status, "updatedReplicas") if "updatedReplicas" in status else wanted
    return min(_count(status, "readyReplicas"), updated) >= wanted


def ready_as_scaled(obj: Object, key: str, unreachable: Container[str] = ()) -> bool:
    """True when the target runs some replicas, all ready and up to date: how many is its autoscaler's to say."""
    replicas = 0 if key in unreachable else _count(reported_status(obj, key), "replicas")
    return bool(replicas) and ready_on(obj, key, replicas)


def _count(holder: Any, field: str, default: int = 0) -> int:
    """A number that a pcluster reports, which may report anything."""
    found = holder.get(field) if isinstance(holder, dict) else None
    return found if type(found) is int else default
