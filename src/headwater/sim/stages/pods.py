"""What all workload kinds share about pods: making them from a template, and telling their state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from headwater.base import jsonio
from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, deep_copy, deletion_timestamp, namespace
from headwater.machinery.timestamps import parse_time
from headwater.sim.stages.ownership import owner_reference

_FINISHED = ("Succeeded", "Failed")
_HASH_LENGTH = 10


def template_hash(template: Object) -> str:
    """Short hash of a pod template, fit for names and label values."""
    return base36_sha224(jsonio.dumps_sorted(template))[:_HASH_LENGTH]


def pod_from_template(
    owner: Object,
    template: Object,
    *,
    name: str = "",
    generate_name: str = "",
    labels: Mapping[str, str] | None = None,
) -> Object:
    """A pod as `template` describes it, controlled by `owner` and in its namespace."""
    meta = template.get("metadata") or {}
    metadata: Object = {"namespace": namespace(owner), "ownerReferences": [owner_reference(owner)]}
    metadata.update({"name": name} if name else {"generateName": generate_name})
    all_labels = {**(meta.get("labels") or {}), **(labels or {})}
    if all_labels:
        metadata["labels"] = all_labels
    for key in ("annotations", "finalizers"):
        if meta.get(key):
            metadata[key] = deep_copy(meta[key])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deep_copy(template.get("spec") or {})}


def phase(pod: Object) -> str:
    """The pod's phase, Pending before it has one."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_finished(pod: Object) -> bool:
    """Whether all its containers have ended for good."""
    return phase(pod) in _FINISHED


def is_active(pod: Object) -> bool:
    """Whether it counts as a replica: neither finished nor on its way out."""
    return not deletion_timestamp(pod) and not is_finished(pod)


def condition(obj: Object, kind: str) -> Object | None:
    """A condition of the object's status."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return None


def is_ready(pod: Object) -> bool:
    """Whether its Ready condition is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def seconds_until_available(pod: Object, minimum_ready_seconds: int, now: datetime) -> float | None:
    """0 when the pod has been ready long enough, else how long it still takes; None while it isn't ready."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    since = ready.get("lastTransitionTime")
    if not minimum_ready_seconds or not since:
        return 0.0
    return max(0.0, minimum_ready_seconds - (now - parse_time(since)).total_seconds())


def deletion_rank(pod: Object) -> tuple[bool, bool, bool, str]:
    """Sort key for pods to delete: unassigned ones first, then pending, then not ready, then young ones."""
    assigned = bool((pod.get("spec") or {}).get("nodeName"))
    created = str((pod.get("metadata") or {}).get("creationTimestamp", ""))
    return (assigned, phase(pod) == "Running", is_ready(pod), _inverted(created))


def _inverted(text: str) -> str:
    """Text that sorts the other way round."""
    return "".join(chr(0x10FFFF - ord(character)) for character in text)


def without_zeros(status: Object) -> Object:
    """A status without its zero counts and empty lists, as Kubernetes writes it."""
    return {key: value for key, value in status.items() if value not in (0, "", [], None)}


def set_condition(
    conditions: Iterable[Object], kind: str, status: str, reason: str, message: str, now: str, **more: str
) -> list[Object]:
    """Conditions with one set; its transition time moves when its status does, `more` holds further times."""
    result = []
    entry = {"type": kind, "status": status, **more, "lastTransitionTime": now, "reason": reason, "message": message}
    known = False
    for old in conditions:
        if old.get("type") != kind:
            result.append(old)
            continue
        known = True
        if old.get("status") == status:
            entry["lastTransitionTime"] = old.get("lastTransitionTime", now)
        result.append(entry)
    return result if known else [*result, entry]
