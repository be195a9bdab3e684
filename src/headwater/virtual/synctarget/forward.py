"""Carries a syncer's requests on to the logical clusters, with the server's own rights."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from headwater.client.answers import decode_object
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import WatchEvent
from headwater.client.lists import list_items
from headwater.client.paths import cluster_prefix, collection_path
from headwater.client.resource import ResourceClient
from headwater.client.watch import Watch
from headwater.machinery.objects import Object
from headwater.virtual.synctarget.domain import DomainResource
from headwater.virtual.synctarget.target import TargetRequest

Query = Sequence[tuple[str, str]]


class Forwarder:
    """Reads upstream objects for one virtual workspace. Raises StatusError and TransportError."""

    def __init__(self, cluster_client: ClusterClient) -> None:
        self._cluster_client = cluster_client

    def _path(self, target: TargetRequest, resource: DomainResource, in_namespace: str) -> str:
        prefix = cluster_prefix(self._cluster_client.base_path, target.request_cluster)
        return collection_path(prefix, resource.upstream, in_namespace)

    def resource(self, target: TargetRequest, resource: DomainResource, in_namespace: str) -> ResourceClient:
        """Client of a resource in the logical cluster of the request."""
        return self._cluster_client.cluster(target.request_cluster).resource(resource.upstream, in_namespace)

    async def get(self, target: TargetRequest, resource: DomainResource, in_namespace: str, name: str) -> Object:
        """One stored object."""
        return await self.resource(target, resource, in_namespace).get(name)

    async def list(self, target: TargetRequest, resource: DomainResource, in_namespace: str, query: Query) -> Object:
        """One page, with the caller's query."""
        transport = self._cluster_client.transport
        page = decode_object(await transport.request("GET", self._path(target, resource, in_namespace), query=query))
        page["items"] = list_items(page)
        return page

    async def watch(
        self, target: TargetRequest, resource: DomainResource, in_namespace: str, query: Query
    ) -> AsyncGenerator[Sequence[WatchEvent], None]:
        """Events in batches, with the caller's query, until the server ends the watch.

        In one process the objects belong to all who watch, so they must not be changed.
        """
        transport = self._cluster_client.transport
        path = self._path(target, resource, in_namespace)
        async with Watch(lambda: transport.stream("GET", path, query=query)) as watch:
            async for batch in watch.batches(shared=True):
                yield batch
