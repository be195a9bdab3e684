"""System fields of metadata on writes: what the server fills, keeps and refuses."""

from __future__ import annotations

from headwater.apiserver.registry.strategy import WriteContext
from headwater.base.ids import new_uid
from headwater.machinery import errors
from headwater.machinery.fieldpath import FieldError, forbidden_field, invalid_value
from headwater.machinery.logicalcluster import CLUSTER_ANNOTATION
from headwater.machinery.objects import Object

_SYSTEM_FIELDS = ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")
_KEPT_FIELDS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


def fill_for_create(ctx: WriteContext, obj: Object, *, generation: bool) -> None:
    """Give a new object its identity. A uid that the client sent is replaced."""
    meta = obj["metadata"]
    if meta.get("resourceVersion"):
        raise errors.BadRequest("resourceVersion should not be set on objects to be created")
    for field in _SYSTEM_FIELDS:
        meta.pop(field, None)
    meta.pop("resourceVersion", None)
    if ctx.info.namespaced:
        meta["namespace"] = ctx.namespace
    else:
        meta.pop("namespace", None)
    meta["uid"] = new_uid()
    meta["creationTimestamp"] = ctx.now
    if generation:
        meta["generation"] = 1
    else:
        meta.pop("generation", None)


def keep_for_update(obj: Object, old: Object) -> None:
    """Put back what an update can't change. A different uid means another object and is a conflict before this."""
    meta, old_meta = obj["metadata"], old["metadata"]
    for field in _KEPT_FIELDS:
        if field in old_meta:
            meta[field] = old_meta[field]
        else:
            meta.pop(field, None)
    meta.pop("selfLink", None)
    meta["name"] = old_meta["name"]
    if "namespace" in old_meta:
        meta["namespace"] = old_meta["namespace"]
    else:
        meta.pop("namespace", None)
    if "generateName" in old_meta:
        meta["generateName"] = old_meta["generateName"]


def bump_generation(obj: Object, old: Object, *, status_subresource: bool) -> None:
    """Count a change outside metadata (and outside status, where that is a subresource)."""
    skip = ("metadata", "status") if status_subresource else ("metadata",)
    if any(obj.get(k) != old.get(k) for k in obj.keys() | old.keys() if k not in skip):
        obj["metadata"]["generation"] = int(old["metadata"].get("generation") or 0) + 1


def new_finalizer_errors(obj: Object, old: Object) -> list[FieldError]:
    """Finalizers can only go once the object is being deleted."""
    if not old["metadata"].get("deletionTimestamp"):
        return []
    added = [f for f in obj["metadata"].get("finalizers") or () if f not in (old["metadata"].get("finalizers") or ())]
    if not added:
        return []
    listed = ", ".join(f'"{name}"' for name in added)
    why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
    return [forbidden_field("metadata.finalizers", why)]


def stamp_cluster(obj: Object, cluster: str) -> None:
    """Write the logical cluster onto the object; whatever a user put there is overwritten."""
    meta = obj["metadata"]
    annotations = meta.get("annotations")
    if annotations is None:
        meta["annotations"] = {CLUSTER_ANNOTATION: cluster}
    elif isinstance(annotations, dict) and annotations.get(CLUSTER_ANNOTATION) != cluster:
        annotations[CLUSTER_ANNOTATION] = cluster


def immutable(path: str, new: object, old: object) -> list[FieldError]:
    """Kubernetes' error for a field that can't change."""
    return [] if new == old else [invalid_value(path, new, "field is immutable")]
