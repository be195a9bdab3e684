"""Where RBAC objects are read from: the protocol, and its implementation on the watch caches."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Protocol

from headwater.machinery.objects import Object
from headwater.storage.keys import parse_key, scope_prefix
from headwater.storage.watchcache import CacheEvent, CacheSet, WatchCache

GROUP: Final = "rbac.authorization.k8s.io"
_RESOURCES: Final = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")


class RoleSource(Protocol):
    """Reads the RBAC objects of a logical cluster. Everything is read-only and answers at once."""

    def generation(self, cluster: str) -> Hashable:
        """Changes whenever any of the other answers for this cluster may have changed."""
        ...

    def cluster_role_bindings(self, cluster: str) -> Sequence[Object]: ...

    def role_bindings(self, cluster: str, namespace: str) -> Sequence[Object]: ...

    def cluster_role(self, cluster: str, name: str) -> Object | None: ...

    def role(self, cluster: str, namespace: str, name: str) -> Object | None: ...


class CacheRoleSource:
    """Reads RBAC objects from the watch caches; `open` loads them, and nothing is allowed before that."""

    def __init__(self, caches: CacheSet) -> None:
        self._caches = caches
        self._by_resource: dict[str, WatchCache] = {}
        self._generations: dict[str, int] = {}

    async def open(self) -> None:
        """Loads the four caches. Raises what reading the store raises."""
        for resource in _RESOURCES:
            cache = await self._caches.cache(_prefix(resource))
            self._by_resource[resource] = cache
            cache.add_listener(self._changed)
        # What was compiled from half of the caches is no longer true.
        self._generations[""] = 1

    def _changed(self, event: CacheEvent) -> None:
        cluster = parse_key(event.object.key).cluster
        self._generations[cluster] = self._generations.get(cluster, 0) + 1

    def generation(self, cluster: str) -> Hashable:
        return self._generations.get("", 0), self._generations.get(cluster, 0)

    def cluster_role_bindings(self, cluster: str) -> Sequence[Object]:
        return self._list("clusterrolebindings", cluster)

    def role_bindings(self, cluster: str, namespace: str) -> Sequence[Object]:
        return self._list("rolebindings", cluster, namespace)

    def cluster_role(self, cluster: str, name: str) -> Object | None:
        return self._get("clusterroles", scope_prefix(_prefix("clusterroles"), cluster) + name)

    def role(self, cluster: str, namespace: str, name: str) -> Object | None:
        return self._get("roles", scope_prefix(_prefix("roles"), cluster, namespace) + name)

    def _list(self, resource: str, cluster: str, namespace: str = "") -> Sequence[Object]:
        cache = self._by_resource.get(resource)
        if cache is None or not cluster:
            return ()
        return [item.decoded for item in cache.list(scope_prefix(_prefix(resource), cluster, namespace))]

    def _get(self, resource: str, key: str) -> Object | None:
        cache = self._by_resource.get(resource)
        found = cache.get(key) if cache is not None else None
        return found.decoded if found is not None else None


def _prefix(resource: str) -> str:
    return f"/{GROUP}/{resource}/-/"
