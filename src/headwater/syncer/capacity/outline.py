"""What of nodes and pods is kept to count capacity (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headwater.machinery.amounts import amount_of
from headwater.machinery.objects import Object, deletion_timestamp

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
        "capacity": _amounts(status.get("capacity"), up=False),
        "allocatable": _amounts(status.get("allocatable"), up=False),
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


def pod_requests(spec: Object) -> dict[str, int]:
    """What a pod requests, as the scheduler of the pcluster counts it.

    All containers run at once, sidecars included, unless an init container needs more before they do.
    """
    total: Counter[str] = Counter()
    for container in spec.get("containers") or ():
        total.update(_of_container(container))
    sidecars: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.get("initContainers") or ():
        wanted = Counter(_of_container(container))
        if container.get("restartPolicy") == "Always":
            sidecars.update(wanted)
        else:
            peak |= sidecars + wanted
    total = (total + sidecars) | peak
    whole = spec.get("resources") or {}
    total = Counter({**total, **_of_container({"resources": whole})})
    total.update(_amounts(spec.get("overhead"), up=True))
    total["pods"] = 1
    return dict(total)


def _of_container(container: Object) -> dict[str, int]:
    """Requests of a container; a limit without a request is one."""
    resources = container.get("resources") or {}
    return _amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})}, up=True)


def _amounts(quantities: Mapping[str, Any] | None, *, up: bool) -> dict[str, int]:
    """Amounts of a resource list. What can't be read is left out: it must not stop the count of everything else."""
    found = {}
    for resource, text in (quantities or {}).items():
        try:
            found[resource] = amount_of(resource, text, up=up)
        except ValueError:
            continue
    return found


def _metadata(obj: Object) -> Object:
    meta = obj.get("metadata") or {}
    return {key: meta[key] for key in _KEPT_METADATA if key in meta}
