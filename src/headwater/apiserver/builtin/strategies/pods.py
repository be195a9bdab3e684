"""Pods: what of their spec may change, and how long they take to go."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.builtin.strategies.podspecs import default_pod_spec
from headwater.apiserver.registry.options import DeleteOptions
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import FieldError, forbidden_field
from headwater.machinery.objects import Object, nested

BINDING = "binding"
_DEFAULT_GRACE_SECONDS = 30
_MUTABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
_FORBIDDEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_FIELD_LABELS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)


class PodStrategy(NativeStrategy):
    """A pod on a node is marked first and removed when its node says that it ended."""

    graceful = True

    def __init__(self) -> None:
        super().__init__(generation=True, field_labels=_FIELD_LABELS)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        default_pod_spec(obj.get("spec"))

    def prepare_for_create(self, ctx: WriteContext, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        if ctx.subresource:
            return ()
        return [] if _fixed(obj) == _fixed(old) else [forbidden_field("spec", _FORBIDDEN)]

    def grace_period_seconds(self, ctx: WriteContext, obj: Object, options: DeleteOptions) -> int:
        wanted = options.grace_period_seconds
        if wanted is None:
            wanted = nested(obj, "spec", "terminationGracePeriodSeconds", default=_DEFAULT_GRACE_SECONDS)
        if not nested(obj, "spec", "nodeName") or nested(obj, "status", "phase") in ("Succeeded", "Failed"):
            return 0
        return max(int(wanted), 0)


def _fixed(pod: Object) -> Object:
    spec = {field: value for field, value in (pod.get("spec") or {}).items() if field not in _MUTABLE}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{k: v for k, v in container.items() if k != "image"} for container in spec[field]]
    return spec


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, from requests and limits of cpu and memory."""
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(entry.get(part) for entry in resources for part in ("requests", "limits")):
        return "BestEffort"
    for entry in resources:
        limits, requests = entry.get("limits") or {}, entry.get("requests") or {}
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"
