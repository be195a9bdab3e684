"""What of nodes and pods is kept to count capacity (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.machinery.objects import Object, deletion_timestamp
from headwater.machinery.podrequests import capacity_of, pod_requests

POD_SELECTOR: Final = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
"""Pods that take up room on a node."""

_KEPT_METADATA: Final = ("name", "namespace", "resourceVersion")
_REPELLING: Final = frozenset({"NoSchedule", "NoExecute"})


def node_outline(node: Object) -> Object:
    """A node's capacity and allocatable as amounts, and whether an ordinary pod can be put there."""
    status = node.get("status") or {}
    return {
        "metadata": _metadata(node),
        "usable": _is_usable(node),
        "capacity": capacity_of(status.get("capacity") or {}),
        "allocatable": capacity_of(status.get("allocatable") or {}),
    }


def _is_usable(node: Object) -> bool:
    """Ready, not cordoned, not going, and without a taint: which pods tolerate one is not known here."""
    spec = node.get("spec") or {}
    if spec.get("unschedulable") or deletion_timestamp(node):
        return False
    if any(taint.get("effect") in _REPELLING for taint in spec.get("taints") or ()):
        return False
    conditions: Iterable[Object] = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def pod_outline(pod: Object) -> Object:
    """The node that a pod is on, and what it requests there, itself included as one of `pods`."""
    spec = pod.get("spec") or {}
    return {"metadata": _metadata(pod), "node": spec.get("nodeName") or "", "requests": pod_requests(spec)}


def _metadata(obj: Object) -> Object:
    meta = obj.get("metadata") or {}
    return {key: meta[key] for key in _KEPT_METADATA if key in meta}
