"""Access to the checked-in Kubernetes schemas: structural ones per kind, and definitions with references for documents.

Nothing is read on import. The structures (200 KB) stay in memory as bytes and are decoded for the kinds in use; the
descriptions (600 KB) are read for OpenAPI documents only and not kept.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from headwater.apis.kube.kinds import KUBERNETES_VERSION, META, KubeKind, kube_kinds
from headwater.base import jsonio

__all__ = [
    "KUBERNETES_VERSION",
    "META",
    "OBJECT_META",
    "REF_PREFIX",
    "KubeKind",
    "definitions",
    "is_shared",
    "kube_kinds",
    "structural",
]

Object = dict[str, Any]

DATA = Path(__file__).parent / "data"
OBJECT_META = f"{META}.ObjectMeta"
REF_PREFIX = "#/definitions/"
NOT_STRUCTURAL = ("x-kubernetes-group-version-kind", "x-kubernetes-unions")


def structural(definition: str) -> Object:
    """The structural schema of a definition, references inlined and descriptions left out.

    Definitions used in several places are one shared dict, so the result is read-only. A type that contains itself (a
    JSON schema in a CRD) becomes ``x-kubernetes-preserve-unknown-fields`` where it would recur. Scalars of the type
    Quantity have the format ``quantity``, which allows any number beside a string. Raises KeyError for a name that the
    data does not have.
    """
    return _expand(definition, _COMPLETE)[0]


def is_shared(schema: Object) -> bool:
    """Whether this very dict is a whole definition that `structural` hands out, and so lives for ever."""
    return id(schema) in _shared_identities


def definitions() -> Mapping[str, Object]:
    """All definitions by name, with descriptions and with ``$ref: "#/definitions/<name>"``.

    Each look-up decodes a fresh object, which the caller may change. Hold the mapping only while building documents.
    """
    return _Definitions(_structures(), _read("descriptions.gz"))


class _Definitions(Mapping[str, Object]):
    def __init__(self, structures: Mapping[str, bytes], descriptions: Mapping[str, bytes]) -> None:
        self._structures = structures
        self._descriptions = descriptions

    def __getitem__(self, name: str) -> Object:
        schema: Object = jsonio.loads(self._structures[name])
        for field, text in jsonio.loads(self._descriptions[name]).items():
            target = schema["properties"][field] if field else schema
            target["description"] = text
        return schema

    def __iter__(self) -> Iterator[str]:
        return iter(self._structures)

    def __len__(self) -> int:
        return len(self._structures)


def _read(file_name: str) -> dict[str, bytes]:
    data = (DATA / file_name).read_bytes()
    out: dict[str, bytes] = {}
    for line in gzip.decompress(data).splitlines():
        name, _, content = line.partition(b"\t")
        out[name.decode()] = content
    return out


@cache
def _structures() -> dict[str, bytes]:
    return _read("structures.gz")


_expanded: dict[str, Object] = {}
_shared_identities: set[int] = set()
_COMPLETE: frozenset[str] = frozenset()


def _expand(name: str, outer: frozenset[str]) -> tuple[Object, frozenset[str]]:
    """The inlined schema, and which definitions of ``outer`` it recurs to (only a complete one may be shared)."""
    known = _expanded.get(name)
    if known is not None:
        return known, _COMPLETE
    schema: Object = jsonio.loads(_structures()[name])
    recurs_to = _inline_children(schema, outer | {name}) - {name}
    for key in NOT_STRUCTURAL:
        schema.pop(key, None)
    if not recurs_to:
        schema = _expanded.setdefault(name, schema)
        _shared_identities.add(id(schema))
    return schema, recurs_to


def _inline_children(schema: Object, outer: frozenset[str]) -> frozenset[str]:
    """Replace references in the places that hold schemas; returns the definitions of ``outer`` that recur inside."""
    recurs_to = _COMPLETE
    properties: Object = schema.get("properties", {})
    for holder, keys in ((properties, list(properties)), (schema, ("items", "additionalProperties"))):
        for key in keys:
            child = holder.get(key)
            if not isinstance(child, dict):
                continue
            reference = child.pop("$ref", None)
            if reference is None:
                recurs_to |= _inline_children(child, outer)
                continue
            target = reference.removeprefix(REF_PREFIX)
            if target in outer:
                expanded: Object = {"x-kubernetes-preserve-unknown-fields": True}
                recurs_to |= {target}
            else:
                expanded, inner = _expand(target, outer)
                recurs_to |= inner
            holder[key] = {**expanded, **child} if child else expanded
    return recurs_to
