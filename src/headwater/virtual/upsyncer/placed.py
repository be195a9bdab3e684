"""Whether a target has something placed where its syncer wants to make an object."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from headwater.apis.workload.labels import STATE_SYNC, state_label
from headwater.apis.workload.upsync import SECRETS, asks_for
from headwater.base.clock import Clock
from headwater.client.dynamic import Client, ClusterClient
from headwater.machinery.errors import Forbidden, NotFound, forbidden
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, labels
from headwater.machinery.objects import annotations as annotations_of
from headwater.virtual.synctarget.domain import SYNCED, Domain, DomainSource
from headwater.virtual.synctarget.target import TargetRequest

NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
_REMEMBERED_SECONDS: Final = 5.0
_MAX_REMEMBERED: Final = 4096


class PlacedSpaces:
    """Answers for namespaces, and for whole workspaces where objects are cluster-scoped.

    A place counts when its namespace, or an object in it, is assigned to the target for running there. What the syncer
    itself brought up doesn't count. A yes holds for five seconds; a no is never remembered.
    """

    def __init__(self, cluster_client: ClusterClient, clock: Clock) -> None:
        self._cluster_client = cluster_client
        self._clock = clock
        self._domains = DomainSource(cluster_client, clock, SYNCED)
        self._known: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def check_asked(self, request: TargetRequest, resource: GroupResource, namespace: str, name: str) -> None:
        """Raise Forbidden for a Secret where the tenant didn't ask for any."""
        if resource != SECRETS:
            return
        space = await _namespace(self._cluster_client.cluster(request.request_cluster), namespace)
        if not asks_for(annotations_of(space), SECRETS):
            raise forbidden(resource, name, f"namespace {namespace!r} does not ask for Secrets of its pclusters")

    async def check_placed(
        self, request: TargetRequest, sync_target: Object, resource: GroupResource, namespace: str, name: str
    ) -> None:
        """Raise Forbidden where the target has nothing, in the same words whether or not there is such a place."""
        known = (request.key, request.request_cluster, namespace)
        now = self._clock.monotonic()
        if self._known.get(known, 0.0) > now:
            return
        if not await self._has_something(request, sync_target, namespace):
            where = f"namespace {namespace!r} of this workspace" if namespace else "this workspace"
            raise forbidden(resource, name, f"nothing in {where} is placed on the SyncTarget")
        self._known[known] = now + _REMEMBERED_SECONDS
        while len(self._known) > _MAX_REMEMBERED:
            self._known.popitem(last=False)

    async def _has_something(self, request: TargetRequest, sync_target: Object, namespace: str) -> bool:
        client = self._cluster_client.cluster(request.request_cluster)
        if namespace:
            space = await _namespace(client, namespace)
            if labels(space).get(state_label(request.key)) == STATE_SYNC:
                return True
            if not space:
                return False
        selector = f"{state_label(request.key)}={STATE_SYNC}"
        for gvr in _searched(await self._domains.domain(sync_target), everywhere=not namespace):
            if await _any(client, gvr, namespace, selector):
                return True
        return False


async def _namespace(client: Client, namespace: str) -> Object:
    """A namespace; an empty object when there is none, or no such workspace."""
    try:
        return await client.resource(NAMESPACES).get(namespace)
    except (NotFound, Forbidden):
        return {}


def _searched(domain: Domain, *, everywhere: bool) -> list[GroupVersionResource]:
    """Resources to look through, namespaces first."""
    found = [NAMESPACES] if everywhere else []
    return [*found, *(each.upstream for each in domain.values() if each.namespaced)]


async def _any(client: Client, gvr: GroupVersionResource, namespace: str, selector: str) -> bool:
    try:
        page = await client.resource(gvr, namespace).list(label_selector=selector, limit=1, metadata_only=True)
    except (NotFound, Forbidden):
        return False
    return bool(page.get("items"))
