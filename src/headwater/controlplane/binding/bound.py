"""The resources that an APIBinding brings, as values, and tables of them that logical clusters share by content."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from headwater.machinery import objects
from headwater.machinery.objects import Object


class BoundResource(NamedTuple):
    """One resource and where it comes from: the APIExport ``export`` and the APIResourceSchema ``schema`` with its uid,
    both in the logical cluster ``cluster``."""

    group: str
    resource: str
    cluster: str
    export: str
    schema: str
    uid: str
    identity: str


GroupResourceKey = tuple[str, str]


def bound_resources(binding: Object) -> list[BoundResource]:
    """What the status of an APIBinding says is bound."""
    cluster = objects.nested(binding, "status", "apiExportClusterName", default="")
    export = objects.nested(binding, "spec", "reference", "export", "name", default="")
    found = []
    for bound in objects.nested(binding, "status", "boundResources", default=()):
        schema = bound.get("schema") or {}
        found.append(
            BoundResource(
                bound.get("group") or "",
                bound.get("resource", ""),
                cluster,
                export,
                schema.get("name", ""),
                schema.get("UID", ""),
                schema.get("identityHash", ""),
            )
        )
    return found


class RouteTable:
    """What is bound in a logical cluster. Logical clusters that bind the same have the same table."""

    __slots__ = ("__weakref__", "by_resource", "fingerprint")

    def __init__(self, resources: Iterable[BoundResource]) -> None:
        self.by_resource: Mapping[GroupResourceKey, BoundResource] = {(r.group, r.resource): r for r in resources}
        digest = hashlib.sha224()
        for resource in self.by_resource.values():
            digest.update(repr(tuple(resource)).encode())
        self.fingerprint = digest.hexdigest()


class TableRegistry:
    """Makes tables, one for each distinct content, which live as long as someone uses them."""

    def __init__(self) -> None:
        self._tables: weakref.WeakValueDictionary[tuple[BoundResource, ...], RouteTable] = weakref.WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._tables)

    def table(self, bindings: Iterable[Object], *, reserved: frozenset[GroupResourceKey]) -> RouteTable:
        """The table of these bindings. Of two that bring the same resource the first one holds; ``reserved`` ones never
        come from a binding, whatever its status says."""
        merged: dict[GroupResourceKey, BoundResource] = {}
        for binding in bindings:
            for bound in bound_resources(binding):
                key = (bound.group, bound.resource)
                if key not in reserved and bound.identity:
                    merged.setdefault(key, bound)
        content = tuple(sorted(merged.values()))
        found = self._tables.get(content)
        if found is None:
            found = self._tables[content] = RouteTable(content)
        return found
