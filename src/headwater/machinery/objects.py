"""Access to the parts of a Kubernetes object, which is a plain dict decoded from JSON.

Readers never add anything and give an empty value for what is absent; what they return may be shared with the object,
so it is not to be changed. Writers start with `set_`, and `metadata` creates what is missing. Import the module
(``objects.annotations(obj)``) where `annotations` is needed: the bare name clashes with the future import.
"""

# No `from __future__ import annotations` here: the name is one of the accessors.
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.base import jsonio
from headwater.machinery.logicalcluster import CLUSTER_ANNOTATION

Object = dict[str, Any]

FOREGROUND_FINALIZER: Final = "foregroundDeletion"
ORPHAN_FINALIZER: Final = "orphan"
"""By these an object that is being deleted says what becomes of its dependents."""

_EMPTY: Mapping[str, Any] = {}


def metadata(obj: Object) -> Object:
    """The object's metadata; created when absent, so only for objects that may be changed."""
    found: Object | None = obj.get("metadata")
    if found is None:
        found = obj["metadata"] = {}
    return found


def name(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or _EMPTY).get("name") or ""


def namespace(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or _EMPTY).get("namespace") or ""


def uid(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or _EMPTY).get("uid") or ""


def resource_version(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or _EMPTY).get("resourceVersion") or ""


def generation(obj: Mapping[str, Any]) -> int:
    return (obj.get("metadata") or _EMPTY).get("generation") or 0


def labels(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return (obj.get("metadata") or _EMPTY).get("labels") or _EMPTY


def annotations(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return (obj.get("metadata") or _EMPTY).get("annotations") or _EMPTY


def finalizers(obj: Mapping[str, Any]) -> Sequence[str]:
    return (obj.get("metadata") or _EMPTY).get("finalizers") or ()


def propagation_policy(obj: Mapping[str, Any]) -> str:
    """How an object that is being deleted wants it for its dependents: Orphan, Foreground or Background."""
    held = finalizers(obj)
    if ORPHAN_FINALIZER in held:
        return "Orphan"
    return "Foreground" if FOREGROUND_FINALIZER in held else "Background"


def owner_references(obj: Mapping[str, Any]) -> Sequence[Object]:
    return (obj.get("metadata") or _EMPTY).get("ownerReferences") or ()


def deletion_timestamp(obj: Mapping[str, Any]) -> str:
    """When deletion was asked for, as RFC 3339 text; "" for an object that is not being deleted."""
    return (obj.get("metadata") or _EMPTY).get("deletionTimestamp") or ""


def cluster_name(obj: Mapping[str, Any]) -> str:
    """The logical cluster that the object came from; "" on a server without logical clusters."""
    return annotations(obj).get(CLUSTER_ANNOTATION, "")


def object_key(obj: Mapping[str, Any]) -> str:
    """``cluster|namespace/name``, without the parts (and separators) that the object has not."""
    meta = obj.get("metadata") or _EMPTY
    key: str = meta.get("name") or ""
    if space := meta.get("namespace"):
        key = f"{space}/{key}"
    if cluster := (meta.get("annotations") or _EMPTY).get(CLUSTER_ANNOTATION):
        key = f"{cluster}|{key}"
    return key


def make_key(cluster: str, space: str, object_name: str) -> str:
    """The key that `object_key` gives for an object of this cluster, namespace and name."""
    key = f"{space}/{object_name}" if space else object_name
    return f"{cluster}|{key}" if cluster else key


def split_key(key: str) -> tuple[str, str, str]:
    """Cluster, namespace and name of a key; the first two may be empty."""
    cluster, bar, rest = key.rpartition("|")
    space, slash, object_name = rest.rpartition("/")
    return (cluster if bar else "", space if slash else "", object_name)


def set_label(obj: Object, key: str, value: str | None) -> bool:
    """Set a label, or remove it with None; says whether anything changed."""
    return _set_entry(obj, "labels", key, value)


def set_annotation(obj: Object, key: str, value: str | None) -> bool:
    """Set an annotation, or remove it with None; says whether anything changed."""
    return _set_entry(obj, "annotations", key, value)


def add_finalizer(obj: Object, finalizer: str) -> bool:
    """Append a finalizer unless it is there; says whether it was added."""
    if finalizer in finalizers(obj):
        return False
    metadata(obj)["finalizers"] = [*finalizers(obj), finalizer]
    return True


def remove_finalizer(obj: Object, finalizer: str) -> bool:
    """Take a finalizer away; says whether it was there."""
    present = finalizers(obj)
    if finalizer not in present:
        return False
    if rest := [entry for entry in present if entry != finalizer]:
        metadata(obj)["finalizers"] = rest
    else:
        del metadata(obj)["finalizers"]
    return True


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference that is marked as the object's controller."""
    return next((reference for reference in owner_references(obj) if reference.get("controller")), None)


def nested(obj: Any, *path: str, default: Any = None) -> Any:
    """The value at a path of keys; the default where a key is absent or null, or where no object is to be entered."""
    for key in path:
        if not isinstance(obj, dict):
            return default
        obj = obj.get(key)
        if obj is None:
            return default
    return obj


def set_nested(obj: Object, value: Any, *path: str) -> None:
    """Put a value at a path of keys, with the objects on the way; None removes the last key."""
    *parents, last = path
    for key in parents:
        inner = obj.get(key)
        if inner is None:
            if value is None:
                return
            inner = obj[key] = {}
        obj = inner
    if value is None:
        obj.pop(last, None)
    else:
        obj[last] = value


def deep_copy(value: Any) -> Any:
    """A copy of JSON data that shares no object or list with the original."""
    if value.__class__ is not dict and value.__class__ is not list:
        return value
    try:
        # Through JSON and back is three times as fast as walking the tree in Python.
        return jsonio.loads(jsonio.dumps(value))
    except (jsonio.EncodeError, jsonio.DecodeError):
        return _copy_tree(value)


def _copy_tree(value: Any) -> Any:
    """The same for what the encoder does not take: very large integers, lone surrogates, deep nesting."""
    if isinstance(value, dict):
        return {key: _copy_tree(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copy_tree(inner) for inner in value]
    return value


def _set_entry(obj: Object, field: str, key: str, value: str | None) -> bool:
    entries: dict[str, str] = (obj.get("metadata") or _EMPTY).get(field) or {}
    if value is None:
        if key not in entries:
            return False
        del entries[key]
        if not entries:
            del obj["metadata"][field]
        return True
    if entries.get(key) == value:
        return False
    metadata(obj)[field] = {**entries, key: value}
    return True
