"""A store with logical clusters and other control plane objects, without a server."""

from __future__ import annotations

from headwater.apiserver.registry.encoding import encode_stored
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery.objects import Object
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.keys import build_key, resource_prefix
from headwater.storage.watchcache import CacheSet

TENANCY_IDENTITY = "t" * 64


class Store:
    """Objects by resource and logical cluster, with the indexes of a control plane over them."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.caches = CacheSet(backend)
        self.state: ControlPlaneObjects

    @classmethod
    async def open(cls) -> Store:
        backend = open_backend("memory://")
        await backend.open()
        store = cls(backend)
        store.state = await ControlPlaneObjects.load(store.caches, tenancy_identity=TENANCY_IDENTITY)
        return store

    async def put(self, group: str, resource: str, cluster: str, obj: Object, *, identity: str = "-") -> None:
        key = build_key(resource_prefix(group, resource, identity), cluster, "", obj["metadata"]["name"])
        body = {"apiVersion": f"{group}/v1", "kind": "X", **obj}
        await self.backend.put(key, encode_stored(body), expected=None)

    async def delete(self, group: str, resource: str, cluster: str, name: str) -> None:
        key = build_key(resource_prefix(group, resource), cluster, "", name)
        await self.backend.delete(key, expected=None)

    async def logical_cluster(
        self, name: str, path: str, *, phase: str = "Ready", type_: str = "root:universal", **annotations: str
    ) -> None:
        notes = {"kcp.io/path": path, "internal.tenancy.kcp.io/type": type_}
        notes |= {key.replace("__", "/").replace("_", "-"): value for key, value in annotations.items()}
        obj = {"metadata": {"name": "cluster", "annotations": notes}, "status": {"phase": phase}}
        await self.put("core.kcp.io", "logicalclusters", name, obj)

    async def workspace_type(self, cluster: str, name: str, **spec: object) -> None:
        obj = {"metadata": {"name": name}, "spec": spec}
        await self.put("tenancy.kcp.io", "workspacetypes", cluster, obj, identity=TENANCY_IDENTITY)

    async def close(self) -> None:
        self.caches.close()
        await self.backend.close()
