"""The upstream object of a downstream one, and whether it is there already (pure)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headwater.apis.workload.labels import STATE_UPSYNC, state_label, syncer_finalizer
from headwater.apis.workload.upsync import (
    ENDPOINT_SLICES,
    ENDPOINTS,
    PERSISTENT_VOLUMES,
    PODS,
    RESOURCE_VERSION_ANNOTATION,
    is_system_mark,
    upsync_diff_annotation,
)
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deep_copy, finalizers, labels, resource_version
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.jobs import JOB_UID_LABELS
from headwater.syncer.upsync.outline import pod_outline

HELD: Final = frozenset({PODS})
"""Resources whose upstream objects have our finalizer, so that they show as terminating while they do downstream."""
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SERVER_FILLED: Final = ("qosClass",)

NamespaceOf = Callable[[str], str]
"""The upstream namespace of a downstream one; "" for one that isn't ours."""


def upsynced_body(
    obj: Object,
    resource: GroupResource,
    *,
    key: str,
    namespace: str,
    name: str,
    namespace_of: NamespaceOf,
    job_uid: str = "",
) -> Object:
    """What to store upstream for a downstream object, without its status; the object itself stays as it is.

    ``job_uid`` is that of the upstream Job of a pod, which selects its pods by it.
    """
    source = pod_outline(obj) if resource == PODS else obj
    body: Object = {field: deep_copy(value) for field, value in source.items() if field not in ("metadata", "status")}
    kept = {mark: value for mark, value in labels(obj).items() if not is_system_mark(mark)}
    if job_uid:
        kept.update({label: job_uid for label in JOB_UID_LABELS if label in kept})
    notes = {
        note: value
        for note, value in annotations_of(source).items()
        if not is_system_mark(note) and note != _LAST_APPLIED
    }
    diff = annotations_of(obj).get(upsync_diff_annotation(key))
    if diff is not None:
        notes[upsync_diff_annotation(key)] = diff
    meta: Object = {"name": name, "labels": {**kept, state_label(key): STATE_UPSYNC}}
    if namespace:
        meta["namespace"] = namespace
    meta["annotations"] = {**notes, RESOURCE_VERSION_ANNOTATION: resource_version(obj)}
    if resource in HELD:
        meta["finalizers"] = [syncer_finalizer(key)]
    body["metadata"] = meta
    _map_references(body, resource, namespace_of)
    return body


def upsynced_status(obj: Object) -> Object | None:
    """The status to report; None when there is none."""
    status = obj.get("status")
    return status if isinstance(status, dict) and status else None


def _map_references(body: Object, resource: GroupResource, namespace_of: NamespaceOf) -> None:
    """Have what is referred to named as it is upstream. Uids differ there, so they are left out."""
    if resource == ENDPOINTS:
        for subset in body.get("subsets") or ():
            for field in ("addresses", "notReadyAddresses"):
                _map_all(subset.get(field), "targetRef", namespace_of)
    elif resource == ENDPOINT_SLICES:
        _map_all(body.get("endpoints"), "targetRef", namespace_of)
    elif resource == PERSISTENT_VOLUMES:
        _map_all([body.get("spec")], "claimRef", namespace_of)


def _map_all(holders: Any, field: str, namespace_of: NamespaceOf) -> None:
    for holder in holders or ():
        reference = holder.get(field) if isinstance(holder, dict) else None
        if not isinstance(reference, dict):
            continue
        space = namespace_of(str(reference.get("namespace", "")))
        if not space:
            del holder[field]  # Of somebody else on the pcluster.
            continue
        kept = {part: value for part, value in reference.items() if part not in ("uid", "resourceVersion")}
        holder[field] = {**kept, "namespace": space}


def says_the_same(stored: Object, body: Object, resource: GroupResource) -> bool:
    """Whether an upstream object is what would be stored. What the control plane fills into a pod doesn't count.

    From which resourceVersion it was made doesn't either: not each of them changes what is shown.
    """
    if dict(labels(stored)) != body["metadata"]["labels"] or _notes(stored) != _notes(body):
        return False
    if not set(body["metadata"].get("finalizers") or ()) <= set(finalizers(stored)):
        return False
    same = _covers if resource == PODS else _equal
    fields = (stored.keys() | body.keys()) - {"metadata", "status", "apiVersion", "kind"}
    return all(same(stored.get(field), body.get(field)) for field in fields)


def reports_the_same(stored: Object, status: Object) -> bool:
    """Whether an upstream object has this status, apart from what the control plane fills in."""
    found = dict(stored.get("status") or {})
    for field in _SERVER_FILLED:
        if field not in status:
            found.pop(field, None)
    return found == status


def _notes(obj: Object) -> dict[str, str]:
    return {note: value for note, value in annotations_of(obj).items() if not is_system_mark(note)}


def _equal(stored: Any, wanted: Any) -> bool:
    return bool((stored or None) == (wanted or None))


def _covers(stored: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there, in lists of the same length."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(_covers(stored.get(field), value) for field, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(stored, list) and len(stored) == len(wanted) and all(map(_covers, stored, wanted))
    return bool(stored == wanted)
