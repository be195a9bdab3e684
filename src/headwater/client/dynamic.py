"""A client for any resource of any logical cluster, over objects as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.base.version import VERSION
from headwater.client.answers import decode_object
from headwater.client.interface import Query, RawResponse, Transport
from headwater.client.paths import cluster_prefix, collection_path
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object


class ClusterClient:
    """Gives clients of logical clusters behind one transport.

    ``base_path`` is put before `/clusters/...`, for virtual workspaces such as `/services/syncer/<...>`.
    """

    def __init__(self, transport: Transport, *, user_agent: str = "headwater", base_path: str = "") -> None:
        self.transport = transport
        self.base_path = base_path.rstrip("/")
        self._headers = {"user-agent": f"{user_agent}/{VERSION}", "accept": "application/json"}

    def cluster(self, cluster: str) -> Client:
        """Client of one logical cluster by name or path; "" is a server without logical clusters, "*" all of them."""
        return Client(self.transport, cluster_prefix(self.base_path, cluster), self._headers)

    async def close(self) -> None:
        """Close the transport."""
        await self.transport.close()


class Client:
    """Client of one logical cluster."""

    def __init__(self, transport: Transport, prefix: str, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._prefix = prefix
        self._headers = headers

    def resource(self, gvr: GroupVersionResource, namespace: str = "") -> ResourceClient:
        """Client of one resource; `gvr.resource` may end in `:<identity>`."""
        return ResourceClient(self._transport, collection_path(self._prefix, gvr, namespace), self._headers)

    async def raw(
        self, method: str, path: str, *, query: Query = (), body: bytes = b"", content_type: str = "application/json"
    ) -> RawResponse:
        """A request to any path of the logical cluster, such as `/version`; HTTP errors are answers."""
        headers = {**self._headers, "content-type": content_type} if body else self._headers
        return await self._transport.request(method, self._prefix + path, query=query, headers=headers, body=body)

    async def get_json(self, path: str, *, accept: str = "application/json") -> Object:
        """GET of any path that answers a JSON object. Raises StatusError."""
        headers = {**self._headers, "accept": accept}
        return decode_object(await self._transport.request("GET", self._prefix + path, headers=headers))
