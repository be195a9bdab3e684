"""The control plane's own objects, read synchronously from watch caches by admission, authorization and the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apis.tenancy.v1alpha1.workspace import GROUP as TENANCY_GROUP
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery.objects import Object
from headwater.storage.keys import NO_IDENTITY, resource_prefix

if TYPE_CHECKING:
    from headwater.storage.watchcache import CachedObject, CacheSet, WatchCache


class ObjectIndex:
    """The objects of one cluster-scoped resource, by logical cluster and name."""

    def __init__(self, cache: WatchCache, prefix: str) -> None:
        self.cache = cache
        self.prefix = prefix

    def get(self, cluster: str, name: str) -> Object | None:
        """The object, shared and read-only."""
        cached = self.cache.get(f"{self.prefix}{cluster}/{name}")
        return None if cached is None else cached.decoded

    def in_cluster(self, cluster: str) -> list[Object]:
        """The objects of one logical cluster, shared and read-only, by name."""
        return [cached.decoded for cached in self.cache.list(f"{self.prefix}{cluster}/")]

    def all(self) -> list[CachedObject]:
        return self.cache.list(self.prefix)


@dataclass(frozen=True, slots=True)
class ControlPlaneObjects:
    """Every index that decisions of the control plane are made from, and the clusters resolved from them."""

    clusters: ClusterIndex
    logical_clusters: ObjectIndex
    bindings: ObjectIndex
    exports: ObjectIndex
    schemas: ObjectIndex
    workspace_types: ObjectIndex
    definitions: ObjectIndex

    @classmethod
    async def load(cls, caches: CacheSet, *, tenancy_identity: str) -> Self:
        """Fill all indexes. ``tenancy_identity`` is the identity hash of the export tenancy.kcp.io."""

        async def index(group: str, resource: str, identity: str = NO_IDENTITY) -> ObjectIndex:
            prefix = resource_prefix(group, resource, identity)
            return ObjectIndex(await caches.cache(prefix), prefix)

        logical_clusters = await index(CORE_GROUP, "logicalclusters")
        clusters = ClusterIndex()
        clusters.attach(logical_clusters.cache, logical_clusters.prefix)
        return cls(
            clusters=clusters,
            logical_clusters=logical_clusters,
            bindings=await index(APIS_GROUP, "apibindings"),
            exports=await index(APIS_GROUP, "apiexports"),
            schemas=await index(APIS_GROUP, "apiresourceschemas"),
            workspace_types=await index(TENANCY_GROUP, "workspacetypes", tenancy_identity),
            definitions=await index("apiextensions.k8s.io", "customresourcedefinitions"),
        )

    def export(self, path: str, name: str, *, here: str) -> tuple[str, Object] | None:
        """An APIExport and the name of its logical cluster, by path or name; an empty path means ``here``."""
        cluster = self.clusters.find(path) if path else here
        if cluster is None:
            return None
        found = self.exports.get(cluster, name)
        return None if found is None else (cluster, found)
