"""The catalog of a control plane: what is built in, what APIBindings bring, and what CRDs add."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headwater.apiserver.catalog import Catalog
from headwater.apiserver.resources import ResourceInfo
from headwater.controlplane.binding.bound import BoundResource, GroupResourceKey, RouteTable, TableRegistry
from headwater.controlplane.binding.library import SchemaLibrary
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import objects
from headwater.machinery.logicalcluster import WILDCARD
from headwater.machinery.objects import Object
from headwater.machinery.watch import DELETED

if TYPE_CHECKING:
    from headwater.storage.watchcache.objects import CacheEvent

MAX_TABLES = 8192
"""Logical clusters whose table is at hand; others are read from their bindings again."""
MAX_IDENTITIES = 4096


class ControlPlaneCatalog:
    """Catalog over bindings; ``local`` answers for built-in kinds and for the CRDs of a logical cluster.

    Built-in kinds win over bound ones, bound ones over local CRDs.
    """

    def __init__(
        self,
        state: ControlPlaneObjects,
        library: SchemaLibrary,
        local: Catalog,
        builtins: frozenset[GroupResourceKey],
    ) -> None:
        self._state = state
        self._library = library
        self._local = local
        self._builtins = builtins
        self._registry = TableRegistry()
        self._tables: OrderedDict[str, RouteTable] = OrderedDict()
        self._exported: OrderedDict[tuple[str, str, str], BoundResource] = OrderedDict()
        self._listeners: list[Callable[[], None]] = []
        for cached in state.exports.all():
            self._learn_export(cached.key, cached.decoded)
        state.exports.cache.add_listener(self._on_export)
        state.bindings.cache.add_listener(self._on_binding)
        state.definitions.cache.add_listener(lambda _: self._notify())

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call after something became known, or changed, that `everywhere` answers."""
        self._listeners.append(listener)

    async def lookup(
        self, cluster: str, group: str, version: str, resource: str, identity: str | None = None
    ) -> ResourceInfo | None:
        """The resource as the logical cluster serves it. On the wildcard what is bound needs its identity."""
        if (group, resource) in self._builtins:
            return None if identity else await self._local.lookup(cluster, group, version, resource)
        if cluster == WILDCARD:
            if not identity:
                return await self._custom(group, version, resource)
            exported = self._export_of(group, resource, identity)
            return None if exported is None else self._library.infos(exported).get(version)
        bound = self.table(cluster).by_resource.get((group, resource))
        if bound is not None and (identity is None or identity == bound.identity):
            return self._library.infos(bound).get(version)
        return None if identity else await self._local.lookup(cluster, group, version, resource)

    async def served(self, cluster: str) -> Sequence[ResourceInfo]:
        """All that the logical cluster serves; on the wildcard what is built in."""
        local = await self._local.served(cluster)
        if cluster == WILDCARD:
            return local
        table = self.table(cluster)
        bound = [info for resource in table.by_resource.values() for info in self._library.infos(resource).values()]
        return [*(info for info in local if (info.group, info.resource) not in table.by_resource), *bound]

    async def everywhere(self) -> Sequence[ResourceInfo]:
        """All that is served in any logical cluster: built in, exported, or defined by a CRD."""
        found = list(await self._local.served(WILDCARD))
        for group, resource, identity in list(self._exported):
            exported = self._export_of(group, resource, identity)
            if exported is not None:
                found.extend(self._library.infos(exported).values())
        for cached in self._state.definitions.all():
            resource, _, group = cached.key.rpartition("/")[2].partition(".")
            versions = objects.nested(cached.decoded, "spec", "versions", default=())
            infos = [await self._custom(group, each["name"], resource) for each in versions if each.get("served")]
            found.extend(info for info in infos if info is not None)
        return found

    async def _custom(self, group: str, version: str, resource: str) -> ResourceInfo | None:
        """A resource of CRDs as one of the logical clusters defines it; they all share its storage."""
        suffix = f"/{resource}.{group}"
        for cached in self._state.definitions.all():
            if cached.key.endswith(suffix):
                info = await self._local.lookup(_cluster_of(cached.key), group, version, resource)
                if info is not None:
                    return info
        return None

    def fingerprint(self, cluster: str) -> str:
        """Equal for logical clusters that serve the same."""
        local = self._local.fingerprint(cluster)
        if cluster == WILDCARD:
            return local
        return hashlib.sha224(f"{local}/{self.table(cluster).fingerprint}".encode()).hexdigest()

    def is_builtin(self, group: str, resource: str) -> bool:
        """Whether every logical cluster serves the resource without a binding."""
        return (group, resource) in self._builtins

    def bound(self, cluster: str, group: str, resource: str) -> BoundResource | None:
        """Where a bound resource of a logical cluster comes from."""
        return self.table(cluster).by_resource.get((group, resource))

    def table(self, cluster: str) -> RouteTable:
        """What is bound in a logical cluster."""
        table = self._tables.get(cluster)
        if table is None:
            bindings = self._state.bindings.in_cluster(cluster)
            table = self._tables[cluster] = self._registry.table(bindings, reserved=self._builtins)
            if len(self._tables) > MAX_TABLES:
                self._tables.popitem(last=False)
        return table

    def _on_binding(self, event: CacheEvent) -> None:
        self._tables.pop(_cluster_of(event.object.key), None)

    def _on_export(self, event: CacheEvent) -> None:
        # What was exported once stays known: bindings outlive changes of their export.
        if event.type != DELETED:
            self._learn_export(event.object.key, event.object.decoded)
            self._notify()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    def _learn_export(self, key: str, export: Object) -> None:
        identity = objects.nested(export, "status", "identityHash", default="")
        if not identity:
            return
        cluster = _cluster_of(key)
        for resource in objects.nested(export, "spec", "resources", default=()):
            group, name, schema = resource.get("group") or "", resource["name"], resource["schema"]
            entry = (group, name, identity)
            self._exported[entry] = BoundResource(group, name, cluster, objects.name(export), schema, "", identity)
            self._exported.move_to_end(entry)
            if len(self._exported) > MAX_IDENTITIES:
                self._exported.popitem(last=False)

    def _export_of(self, group: str, resource: str, identity: str) -> BoundResource | None:
        """Where an identity's resource is exported from. The schema is looked at only when someone asks."""
        known = self._exported.get((group, resource, identity))
        if known is None or known.uid or not self._library.needs_uid(known):
            return known
        schema = self._state.schemas.get(known.cluster, known.schema)
        if schema is None:
            return None
        known = self._exported[group, resource, identity] = known._replace(uid=objects.uid(schema))
        return known


def _cluster_of(key: str) -> str:
    return key.split("/", 5)[4]
