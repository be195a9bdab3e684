"""Pods as they are kept and shown upstream: what tells how they fare, and nothing that could be secret (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

_METADATA: Final = (
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "labels",
)  # fmt: skip
_ANNOTATIONS: Final = frozenset(
    {
        "kubectl.kubernetes.io/default-container",
        "kubectl.kubernetes.io/default-logs-container",
        "kubectl.kubernetes.io/restartedAt",
    }
)
_SPEC: Final = (
    "nodeName", "hostname", "subdomain", "hostNetwork", "restartPolicy", "priority", "priorityClassName",
    "schedulerName", "terminationGracePeriodSeconds", "readinessGates", "activeDeadlineSeconds",
)  # fmt: skip
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_CONTAINER: Final = ("name", "image", "ports", "resources", "restartPolicy", "stdin", "tty", "targetContainerName")


def pod_outline(pod: Object) -> Object:
    """A pod with its status and the part of its spec that people and `kubectl` look at.

    Left out are commands, environments, volumes, probes and security settings: sidecars that a pcluster adds may have
    secrets in them, and the workload itself says the rest. `pod` itself stays as it is.
    """
    meta = _chosen(pod.get("metadata") or {}, _METADATA)
    notes = _chosen(annotations_of(pod), _ANNOTATIONS)
    if notes:
        meta["annotations"] = notes
    spec = pod.get("spec") or {}
    shown = _chosen(spec, _SPEC)
    for field in _CONTAINERS:
        if spec.get(field):
            shown[field] = [_chosen(container, _CONTAINER) for container in spec[field]]
    outline: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": shown}
    if pod.get("status"):
        outline["status"] = pod["status"]
    return outline


def _chosen(holder: Mapping[str, Any], fields: Iterable[str]) -> Object:
    return {field: holder[field] for field in fields if field in holder}
