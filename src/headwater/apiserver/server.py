"""A Kubernetes API server put together: filters, discovery, objects, and the routes that its owner adds.

The simulated pcluster runs it as it is; the control plane adds logical clusters through the filters, the catalog and
the admission chain that it passes in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.apiserver.admission.interface import AdmissionChain, AdmissionPlugin
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.catalog import Catalog
from headwater.apiserver.discovery.handler import DiscoveryHandler
from headwater.apiserver.discovery.openapi import OpenAPIHandler
from headwater.apiserver.filters.chain import ChainSettings, build_chain
from headwater.apiserver.handlers.dispatch import ResourceHandler
from headwater.apiserver.handlers.environment import Environment
from headwater.apiserver.handlers.requestscope import no_such_resource
from headwater.apiserver.loopback import LOOPBACK_USER, LoopbackTransport
from headwater.apiserver.registry.eventexpiry import EventExpiry
from headwater.apiserver.registry.store import ObjectStore
from headwater.apiserver.resources import Connectors
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet

LOCAL_CLUSTER = "local"
"""The logical cluster of a server that has none: part of storage keys, never shown."""


async def _local_cluster(request: Request, following: Handler) -> AnyResponse:
    request.cluster = LOCAL_CLUSTER
    return await following(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class APIServerConfig:
    """What makes an API server.

    `filters` carries authentication, authorization and the hooks of a control plane. `routes` maps whole paths, and
    prefixes that end with a slash, to handlers that answer before objects and discovery do; the longest prefix wins,
    and "/" is the root alone.
    `clusters` says that requests name logical clusters (a filter sets `request.cluster`) and that objects carry their
    logical cluster's name. `connectors` serve subresources that are connections, such as a pod's exec.
    """

    backend: Backend
    caches: CacheSet
    clock: Clock
    catalog: Catalog
    filters: ChainSettings
    admission: Sequence[AdmissionPlugin] = ()
    routes: Mapping[str, Handler] = field(default_factory=dict)
    clusters: bool = False
    connectors: Connectors = field(default_factory=dict)
    bookmark_seconds: float = 60.0
    watch_seconds: float = 1800.0


class APIServer:
    """`handler` answers requests, behind all filters; `store` is the same state without HTTP."""

    def __init__(self, config: APIServerConfig) -> None:
        self.config = config
        self.catalog = config.catalog
        self.store = ObjectStore(
            config.backend,
            config.caches,
            config.clock,
            admission=AdmissionChain(config.admission),
            stamp_clusters=config.clusters,
        )
        environment = Environment(
            self.store,
            config.clock,
            bookmark_seconds=config.bookmark_seconds,
            watch_seconds=config.watch_seconds,
            connectors=config.connectors,
        )
        self._resources = ResourceHandler(config.catalog, environment)
        self._discovery = DiscoveryHandler(config.catalog)
        self._openapi = OpenAPIHandler(config.catalog)
        self._exact = {path: each for path, each in config.routes.items() if path == "/" or not path.endswith("/")}
        self._prefixes = sorted(
            ((path, handler) for path, handler in config.routes.items() if path not in self._exact),
            key=lambda route: -len(route[0]),
        )
        filters = config.filters
        if not config.clusters:
            # Before authorization, which looks for roles in the request's cluster.
            filters = replace(filters, rewrite=(_local_cluster, *filters.rewrite))
        self.handler: Handler = build_chain(self.route, filters)

    async def route(self, request: Request) -> AnyResponse:
        """Answers a request that has passed the filters."""
        if request.info.is_resource:
            return await self._resources(request)
        path = request.path
        handler = self._exact.get(path)
        if handler is not None:
            return await handler(request)
        for prefix, prefixed in self._prefixes:
            if path.startswith(prefix):
                return await prefixed(request)
        if self._discovery.serves(path):
            return await self._discovery(request)
        if self._openapi.serves(path):
            return await self._openapi(request)
        raise no_such_resource()

    async def upkeep(self) -> None:
        """What a server does in the background; runs until it is cancelled."""
        config = self.config
        async with TaskGroup("upkeep") as group:
            group.start(EventExpiry(config.backend, config.caches, config.clock).run(), name="event expiry")
            group.start(config.caches.rest(config.clock), name="resting caches")

    def loopback(self, user: UserInfo = LOOPBACK_USER) -> LoopbackTransport:
        """A client transport straight into the handler, as `user`."""
        return LoopbackTransport(self.handler, user=user)
