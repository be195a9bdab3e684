"""Reads the schemas of OpenAPI v3 documents as if they were written out: references followed, wrappers taken off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Object = dict[str, Any]
Components = Mapping[str, Any]
"""The named schemas of a document, `components.schemas`."""

_GVK: Final = "x-kubernetes-group-version-kind"
_MAX_HOPS: Final = 16


def components_of(document: Object) -> Components:
    """The named schemas of an OpenAPI v3 document; none for anything else."""
    parts = document.get("components")
    schemas = parts.get("schemas") if isinstance(parts, dict) else None
    return schemas if isinstance(schemas, dict) else {}


def schemas_by_kind(components: Components, group: str, version: str) -> Iterator[tuple[str, Object]]:
    """Kind and schema of what a document describes of a group version."""
    for schema in components.values():
        kinds = schema.get(_GVK) if isinstance(schema, dict) else None
        for gvk in kinds if isinstance(kinds, list) else ():
            if isinstance(gvk, dict) and gvk.get("group", "") == group and gvk.get("version") == version:
                yield str(gvk.get("kind", "")), schema


def resolved(schema: Object, components: Components) -> Object:
    """The schema with what it refers to merged in; what stands beside a reference has precedence.

    A reference that leads nowhere, or in a circle, allows anything.
    """
    for _ in range(_MAX_HOPS):
        reference, inherited = _reference(schema)
        if reference is None:
            return schema
        target = components.get(reference)
        schema = {**(target if isinstance(target, dict) else {}), **inherited}
    return {}


def _reference(schema: Object) -> tuple[str | None, Object]:
    """The component that a schema takes everything from, and what it adds itself."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return reference.rpartition("/")[2], {name: value for name, value in schema.items() if name != "$ref"}
    branches = schema.get("allOf")
    if isinstance(branches, list) and len(branches) == 1 and isinstance(branches[0], dict):
        reference = branches[0].get("$ref")
        if isinstance(reference, str) and len(branches[0]) == 1:
            return reference.rpartition("/")[2], {name: value for name, value in schema.items() if name != "allOf"}
    return None, schema
