"""Carries a syncer's requests on to the logical clusters, with the server's own rights."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from headwater.client.answers import decode_object
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import WatchEvent
from headwater.client.paths import cluster_prefix, collection_path
from headwater.client.resource import ResourceClient, list_items
from headwater.client.watch import Watch
from headwater.machinery.objects import Object, metadata, namespace, resource_version
from headwater.virtual.syncer.domain import DomainResource
from headwater.virtual.syncer.target import TargetRequest
from headwater.virtual.syncer.writes import StoredChange

Query = Sequence[tuple[str, str]]


class Forwarder:
    """Reads and writes upstream objects for one virtual workspace. Raises StatusError and TransportError."""

    def __init__(self, cluster_client: ClusterClient) -> None:
        self._cluster_client = cluster_client

    def _path(self, target: TargetRequest, resource: DomainResource, in_namespace: str) -> str:
        prefix = cluster_prefix(self._cluster_client.base_path, target.request_cluster)
        return collection_path(prefix, resource.upstream, in_namespace)

    def _resource(self, target: TargetRequest, resource: DomainResource, in_namespace: str) -> ResourceClient:
        return self._cluster_client.cluster(target.request_cluster).resource(resource.upstream, in_namespace)

    async def get(self, target: TargetRequest, resource: DomainResource, in_namespace: str, name: str) -> Object:
        """One stored object."""
        return await self._resource(target, resource, in_namespace).get(name)

    async def list(self, target: TargetRequest, resource: DomainResource, in_namespace: str, query: Query) -> Object:
        """One page, with the caller's query."""
        transport = self._cluster_client.transport
        page = decode_object(await transport.request("GET", self._path(target, resource, in_namespace), query=query))
        page["items"] = list_items(page)
        return page

    async def watch(
        self, target: TargetRequest, resource: DomainResource, in_namespace: str, query: Query
    ) -> AsyncGenerator[Sequence[WatchEvent], None]:
        """Events in batches, with the caller's query, until the server ends the watch."""
        transport = self._cluster_client.transport
        path = self._path(target, resource, in_namespace)
        async with Watch(lambda: transport.stream("GET", path, query=query)) as watch:
            async for batch in watch.batches():
                yield batch

    async def store(self, target: TargetRequest, resource: DomainResource, change: StoredChange) -> Object:
        """Store a change, in the order that it asks for. Raises Conflict when it came too late."""
        obj = change.object
        client = self._resource(target, resource, namespace(obj))
        if not resource.has_status:
            return await client.update(obj)
        writes = [client.update_status] if change.status_changed else []
        if change.main_changed:
            writes.insert(len(writes) if change.status_first else 0, client.update)
        stored = obj
        for write in writes:
            metadata(obj)["resourceVersion"] = resource_version(stored)
            stored = await write(obj)
        return stored
