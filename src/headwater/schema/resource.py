"""What every resource has beside its own schema: apiVersion, kind, and metadata of the one ObjectMeta type."""

from __future__ import annotations

from typing import Any

from headwater.apis.kube.schemas import OBJECT_META, structural

Object = dict[str, Any]

_STRING: Object = {"type": "string"}


def resource_form(schema: Object) -> Object:
    """The schema of a resource (the root or an embedded one) with apiVersion, kind and metadata known.

    A schema may restrict ``metadata.name`` and ``metadata.generateName``; those restrictions are kept. An embedded
    resource must say its apiVersion and kind.
    """
    object_meta = structural(OBJECT_META)
    properties: Object = schema.get("properties") or {}
    own = properties.get("metadata") or {}
    metadata = object_meta
    if own and own is not object_meta and "ownerReferences" not in own.get("properties", {}):
        metadata = {**object_meta, "properties": dict(object_meta["properties"])}
        for name, restriction in (own.get("properties") or {}).items():
            if name in metadata["properties"]:
                metadata["properties"][name] = {**metadata["properties"][name], **restriction}
        if own.get("required"):
            metadata["required"] = own["required"]
    out = {**schema, "type": "object"}
    out["properties"] = {
        **properties,
        "apiVersion": properties.get("apiVersion") or _STRING,
        "kind": properties.get("kind") or _STRING,
        "metadata": metadata,
    }
    if out.pop("x-kubernetes-embedded-resource", False):
        out["required"] = [*dict.fromkeys([*out.get("required", ()), "apiVersion", "kind"])]
    return out


def effective(schema: Object) -> Object:
    """The schema as the compilers read it: embedded resources completed."""
    return resource_form(schema) if schema.get("x-kubernetes-embedded-resource") else schema
