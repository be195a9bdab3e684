"""Deploys one resolver on the pcluster for each workspace that has namespaces there, and says when it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import DNS_LABEL, WORKSPACE_LABEL, dns_id
from headwater.base.tasks import TaskGroup
from headwater.client.informer import Informer
from headwater.controller import Controller, Result
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, labels, name, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.dns.desired import RESOURCES, SERVICES, ResolverPlan, desired
from headwater.syncer.informers import reconnect
from headwater.syncer.namespaces.mapping import NAMESPACES, NAMESPACES_GVR
from headwater.syncer.owned import bring, remove
from headwater.syncer.sides import Sides
from headwater.telemetry.logging import get_logger

ENDPOINT_SLICES: Final = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"
_BY_SERVICE: Final = "service"
_NOT_SYNCED_SECONDS: Final = 0.5
_GONE_SECONDS: Final = 5.0

log = get_logger("syncer.dns")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverSettings:
    """Which image runs as resolver, in which namespace of the pcluster, for which DNS domain."""

    image: str
    namespace: str
    domain: str


class Resolvers:
    """A controller with workspaces as keys, by logical cluster.

    ``changed`` is called with a workspace whose resolver has become ready, or has another address.
    """

    def __init__(self, sides: Sides, settings: ResolverSettings) -> None:
        self._settings = settings
        self._identity = sides.identity
        self._client = sides.downstream.client
        self._informer_set = sides.downstream.informers
        self._namespaces = sides.namespaces
        self._clock = sides.clock
        self.changed: Callable[[str], None] = lambda cluster: None
        self._told: dict[str, tuple[str, bool]] = {}
        self._objects = {gvr: self._informer(gvr) for gvr in RESOURCES}
        self._endpoints = self._informer(ENDPOINT_SLICES)
        self._endpoints.add_index(_BY_SERVICE, lambda obj: (labels(obj).get(SERVICE_NAME_LABEL, ""),))
        self._api_servers = Informer(
            self._client.resource(ENDPOINT_SLICES, "default"),
            name="api servers",
            clustered=False,
            label_selector=f"{SERVICE_NAME_LABEL}=kubernetes",
            clock=sides.clock,
            backoff=reconnect(),
        )
        self.controller = Controller(
            "syncer-dns", reconcile=self.reconcile, workers=2, clock=sides.clock, registry=sides.registry
        )
        for informer in self._objects.values():
            informer.add_handler(lambda _, old, new: self._own_changed(new or old))
        self._endpoints.add_handler(lambda _, old, new: self._own_changed(new or old))
        self._api_servers.add_handler(lambda _, _old, _new: self._all())
        resolvers = sides.registry.gauge("syncer_dns_resolvers", "Workspaces that have a resolver on the pcluster.")
        resolvers.set_function(lambda: len(self._objects[SERVICES]))

    def problem(self) -> str | None:
        """What keeps the resolvers from being looked after."""
        informers = (*self._objects.values(), self._endpoints, self._api_servers)
        return "; ".join(f"{each.name}: {each.last_error}" for each in informers if each.last_error) or None

    def address(self, cluster: str) -> str:
        """Where the resolver of a workspace is asked; "" while that isn't known."""
        service = self._objects[SERVICES].get(self._key(cluster))
        address = str(nested(service, "spec", "clusterIP", default=""))
        return "" if address == "None" else address

    def is_ready(self, cluster: str) -> bool:
        """Whether the resolver of a workspace can be asked now."""
        slices = self._endpoints.by_index(_BY_SERVICE, self._name(cluster))
        return bool(self.address(cluster)) and any(map(_has_ready_endpoint, slices))

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a downstream namespace that comes, goes or changes hands."""
        for state in (old, new):
            locator = self._namespaces.locator_from(state) if state is not None else None
            if locator is not None and (old is None or new is None or annotations_of(old) != annotations_of(new)):
                self.controller.enqueue(locator.cluster)

    async def run(self) -> None:
        """Work until cancelled."""
        async with TaskGroup("resolvers") as group:
            for informer in (*self._objects.values(), self._endpoints, self._api_servers):
                group.start(informer.run(), name=informer.name)
            group.start(self.controller.run(), name="controller")

    async def reconcile(self, cluster: str) -> Result | None:
        """Bring the resolver of one workspace to what it should be. Raises StatusError and TransportError."""
        informers = (*self._objects.values(), self._api_servers)
        if not all(each.has_synced for each in informers) or not self._informer_set.synced(NAMESPACES):
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        spaces = self._namespaces.of_workspace(cluster)
        if not spaces:
            return await self._remove(cluster)
        for gvr, wanted in desired(self._plan(cluster, spaces)):
            seen = self._objects[gvr].get(self._key(cluster))
            if await bring(self._client.resource(gvr, self._settings.namespace), seen, wanted) and seen is None:
                log.info("made", kind=wanted["kind"], name=name(wanted), workspace=cluster)
        return None

    async def _remove(self, cluster: str) -> Result | None:
        """Take the resolver away, once the pcluster itself says that no namespace needs it."""
        found = [(gvr, each) for gvr in RESOURCES if (each := self._objects[gvr].get(self._key(cluster))) is not None]
        if not found:
            self._told.pop(cluster, None)
            return None
        selector = self._identity.downstream_selector
        live, _ = await self._client.resource(NAMESPACES_GVR).list_all(label_selector=selector, metadata_only=True)
        locators = (self._namespaces.locator_from(each) for each in live)
        if any(each is not None and each.cluster == cluster and each.namespace for each in locators):
            return Result(requeue_after_seconds=_GONE_SECONDS)
        log.info("removing, as the workspace has no namespaces here", name=self._name(cluster), workspace=cluster)
        for gvr, seen in reversed(found):
            await remove(self._client.resource(gvr, self._settings.namespace), seen)
        return None

    def _plan(self, cluster: str, spaces: Mapping[str, str]) -> ResolverPlan:
        return ResolverPlan(
            name=self._name(cluster),
            namespace=self._settings.namespace,
            cluster=cluster,
            key=self._identity.key,
            tenant=self._identity.namespace_for(cluster, "").tenant,
            image=self._settings.image,
            domain=self._settings.domain,
            namespaces=spaces,
            api_servers=sorted({pair for each in self._api_servers.list() for pair in _addresses(each)}),
        )

    def _own_changed(self, obj: Object | None) -> None:
        cluster = labels(obj or {}).get(WORKSPACE_LABEL, "")
        if not cluster:
            return
        self.controller.enqueue(cluster)
        now = (self.address(cluster), self.is_ready(cluster))
        before = self._told.get(cluster, ("", False))
        self._told[cluster] = now
        if now[0] and (now[0] != before[0] or (now[1] and not before[1])):
            self.changed(cluster)

    def _all(self) -> None:
        for service in self._objects[SERVICES].list():
            self.controller.enqueue(labels(service).get(WORKSPACE_LABEL, ""))

    def _name(self, cluster: str) -> str:
        return dns_id(self._identity.name, self._identity.uid, cluster)

    def _key(self, cluster: str) -> str:
        return f"{self._settings.namespace}/{self._name(cluster)}"

    def _informer(self, gvr: GroupVersionResource) -> Informer:
        return Informer(
            self._client.resource(gvr, self._settings.namespace),
            name=f"resolvers' {gvr.resource}",
            clustered=False,
            label_selector=f"{DNS_LABEL}={self._identity.key}",
            clock=self._clock,
            backoff=reconnect(),
        )


def _has_ready_endpoint(endpoint_slice: Object) -> bool:
    return any(nested(each, "conditions", "ready") is not False for each in endpoint_slice.get("endpoints") or ())


def _addresses(endpoint_slice: Object) -> list[tuple[str, int]]:
    """Addresses and ports of a slice."""
    ports = [each["port"] for each in endpoint_slice.get("ports") or () if each.get("port")]
    found = (address for each in endpoint_slice.get("endpoints") or () for address in each.get("addresses") or ())
    return [(address, port) for address in found for port in ports]
