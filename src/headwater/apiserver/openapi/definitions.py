"""The named definitions behind a set of resources, in one form that both OpenAPI versions are made from.

That form is Kubernetes': references are ``#/definitions/<name>`` and may have siblings, unions of scalars carry
``x-kubernetes-int-or-string``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headwater.apis.kube.schemas import META, OBJECT_META, REF_PREFIX, definitions, kube_kinds
from headwater.apiserver.openapi.interface import ServedResource
from headwater.machinery.gvk import GroupVersionKind

Object = dict[str, Any]

SCALE = "io.k8s.api.autoscaling.v1.Scale"
STATUS = f"{META}.Status"
DELETE_OPTIONS = f"{META}.DeleteOptions"
PATCH = f"{META}.Patch"
WATCH_EVENT = f"{META}.WatchEvent"
LIST_META = f"{META}.ListMeta"

_API_VERSION_TEXT = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized"
    " schemas to the latest internal value, and may reject unrecognized values. More info:"
    " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND_TEXT = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the"
    " endpoint the client submits requests to. Cannot be updated. In CamelCase. More info:"
    " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_METADATA_TEXT = (
    "Standard object's metadata. More info:"
    " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


def reference(name: str) -> Object:
    return {"$ref": REF_PREFIX + name}


def kube_definition(resource: ServedResource) -> str:
    """The name of Kubernetes' own definition of a resource's kind; "" if its own schema describes it."""
    if not (resource.native or resource.native_merge):
        return ""
    kind = kube_kinds().get(GroupVersionKind(resource.group, resource.version, resource.kind))
    return kind.definition if kind is not None else ""


def definition_name(resource: ServedResource) -> str:
    """The name under which documents define the kind: Kubernetes' own, or its domain reversed (``io.kcp.…``)."""
    return kube_definition(resource) or _reversed(resource.group, resource.version, resource.kind)


def list_definition_name(resource: ServedResource) -> str:
    if kube_definition(resource):
        return f"{kube_definition(resource)}List"
    return _reversed(resource.group, resource.version, resource.list_kind)


def collect(resources: Iterable[ServedResource]) -> dict[str, Object]:
    """All definitions that the documents of these resources need, by name, sorted."""
    known = definitions()
    out: dict[str, Object] = {}
    queue = [STATUS, DELETE_OPTIONS, PATCH, WATCH_EVENT, OBJECT_META, LIST_META]
    for resource in resources:
        native = kube_definition(resource)
        if native:
            queue += [native, *([f"{native}List"] if "list" in resource.verbs else [])]
        else:
            out[definition_name(resource)] = _custom(resource)
            out[list_definition_name(resource)] = _custom_list(resource)
        if "scale" in resource.subresources:
            queue.append(SCALE)
    while queue:
        name = queue.pop()
        if name not in out and name in known:
            out[name] = known[name]
            queue += _references(out[name])
    return {name: out[name] for name in sorted(out)}


def _references(schema: Object) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(REF_PREFIX)
    for child in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(child, dict):
            yield from _references(child)


def _reversed(group: str, version: str, kind: str) -> str:
    return ".".join([*reversed((group or "core").split(".")), version, kind])


def _gvk(group: str, version: str, kind: str) -> list[Object]:
    return [{"group": group, "kind": kind, "version": version}]


def _custom(resource: ServedResource) -> Object:
    """The definition of a kind that has a structural schema of its own."""
    schema = resource.raw_schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    properties = {
        **(schema.get("properties") or {}),
        "apiVersion": {"description": _API_VERSION_TEXT, "type": "string"},
        "kind": {"description": _KIND_TEXT, "type": "string"},
        "metadata": {"description": _METADATA_TEXT, **reference(OBJECT_META)},
    }
    return {
        **schema,
        "type": "object",
        "properties": properties,
        "x-kubernetes-group-version-kind": _gvk(resource.group, resource.version, resource.kind),
    }


def _custom_list(resource: ServedResource) -> Object:
    return {
        "description": f"{resource.list_kind} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": _API_VERSION_TEXT, "type": "string"},
            "items": {
                "description": f"List of {resource.resource}.",
                "type": "array",
                "items": reference(definition_name(resource)),
            },
            "kind": {"description": _KIND_TEXT, "type": "string"},
            "metadata": {"description": "Standard list metadata.", **reference(LIST_META)},
        },
        "x-kubernetes-group-version-kind": _gvk(resource.group, resource.version, resource.list_kind),
    }
