"""Rules of ObjectMeta that hold for every kind: names, labels, annotations, finalizers and owner references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.apiserver.resources import ResourceInfo
from headwater.machinery import errors, names
from headwater.machinery.fieldpath import (
    FieldError,
    child,
    index,
    invalid_value,
    required,
    too_long,
    type_invalid,
)
from headwater.machinery.objects import Object

ANNOTATIONS_MAX_BYTES = 256 * 1024
_STRING_FIELDS = ("name", "generateName", "namespace", "uid", "resourceVersion")


def new_name(info: ResourceInfo, obj: Object) -> bool:
    """Name an object that has only a generateName; says whether the name was generated.

    Raises Invalid without either, before anything else looks at the object.
    """
    meta = obj["metadata"]
    for field in _STRING_FIELDS:
        value = meta.get(field)
        if value is not None and not isinstance(value, str):
            raise errors.BadRequest(f"metadata.{field} must be a string")
    if meta.get("name"):
        return False
    base = meta.get("generateName")
    if not base:
        error = required("metadata.name", "name or generateName is required")
        raise errors.invalid(info.kind, "", [error], group=info.group)
    meta["name"] = names.generate_name(base)
    return True


def metadata_errors(info: ResourceInfo, obj: Object, old: Object | None) -> list[FieldError]:
    """Everything that is wrong with metadata; what an update doesn't change is not looked at again."""
    meta: Object = obj["metadata"]
    before: Object = old["metadata"] if old is not None else {}
    found: list[FieldError] = []
    if old is None:
        rule = info.strategy.name_errors
        found += names.validate_object_name(meta["name"], generate=meta.get("generateName") or "", rule=rule)
    labels, annotations = meta.get("labels"), meta.get("annotations")
    if labels and labels != before.get("labels"):
        found += _string_map(labels, "metadata.labels") or names.validate_labels(labels, "metadata.labels")
    if annotations and annotations != before.get("annotations"):
        found += _string_map(annotations, "metadata.annotations") or _annotation_errors(annotations)
    finalizers = meta.get("finalizers")
    if finalizers and finalizers != before.get("finalizers"):
        found += _finalizer_errors(finalizers)
    owners = meta.get("ownerReferences")
    if owners and owners != before.get("ownerReferences"):
        found += _owner_errors(owners)
    return found


def _string_map(value: Any, path: str) -> list[FieldError]:
    if not isinstance(value, dict):
        return [type_invalid(path, value, "must be of type object")]
    return [
        type_invalid(child(path, key), item, "must be of type string")
        for key, item in value.items()
        if not isinstance(item, str)
    ]


def _annotation_errors(annotations: Mapping[str, str]) -> list[FieldError]:
    found = []
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value)
        if not names.is_qualified_name(key.lower()):
            found += [
                invalid_value("metadata.annotations", key, text) for text in names.qualified_name_errors(key.lower())
            ]
    if size > ANNOTATIONS_MAX_BYTES:
        found.append(too_long("metadata.annotations", ANNOTATIONS_MAX_BYTES))
    return found


def _finalizer_errors(finalizers: Any) -> list[FieldError]:
    if not isinstance(finalizers, list):
        return [type_invalid("metadata.finalizers", finalizers, "must be of type array")]
    found = []
    for finalizer in finalizers:
        if not isinstance(finalizer, str):
            found.append(type_invalid("metadata.finalizers", finalizer, "must be of type string"))
        elif not names.is_qualified_name(finalizer):
            found += [
                invalid_value("metadata.finalizers", finalizer, text) for text in names.qualified_name_errors(finalizer)
            ]
    if not found and "orphan" in finalizers and "foregroundDeletion" in finalizers:
        why = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(invalid_value("metadata.finalizers", finalizers, why))
    return found


def _owner_errors(owners: Any) -> list[FieldError]:
    path = "metadata.ownerReferences"
    if not isinstance(owners, list) or not all(isinstance(owner, dict) for owner in owners):
        return [type_invalid(path, owners, "must be an array of objects")]
    found = []
    for position, owner in enumerate(owners):
        here = index(path, position)
        api_version = owner.get("apiVersion")
        if not api_version or str(api_version).count("/") > 1:
            found.append(invalid_value(child(here, "apiVersion"), api_version or "", "version must not be empty"))
        found += [
            invalid_value(child(here, field), "", f"{field} must not be empty")
            for field in ("kind", "name", "uid")
            if not owner.get(field)
        ]
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        listed = " and ".join(f"{owner.get('kind')}/{owner.get('name')}" for owner in controllers)
        why = f"Only one reference can have Controller set to true. Found {listed}"
        found.append(invalid_value(path, owners, why))
    return found
