"""Asks the server whether owners exist: only a live answer about the same uid makes an owner absent."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Final

from headwater.client.discovery import ServedResource
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import ResourceSet
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersion, GroupVersionResource
from headwater.machinery.objects import FOREGROUND_FINALIZER, Object, deletion_timestamp, finalizers, uid
from headwater.reconcilers.kube.garbagecollector.graph import Node, Owner

_MAX_ABSENT: Final = 10_000


class OwnerState(Enum):
    """What an owner means for its dependent."""

    SOLID = "solid"
    WAITING = "waiting for its dependents to go"
    ABSENT = "absent"


class Owners:
    """Live look-ups of owners. Absent ones are remembered, since a uid never comes back."""

    def __init__(self, cluster_client: ClusterClient, resources: ResourceSet) -> None:
        self._cluster_client = cluster_client
        self._resources = resources
        self._absent: OrderedDict[str, None] = OrderedDict()

    async def state(self, owner: Owner, dependent: Node) -> OwnerState:
        """State of one owner of an object.

        An owner of a kind that isn't served, or in a place where it can't be looked up, counts as solid: nothing is
        deleted on a guess. Raises StatusError and TransportError.
        """
        remembered = f"{owner.key}|{dependent.namespace}"
        if remembered in self._absent:
            return OwnerState.ABSENT
        resource = self._resource(owner)
        if resource is None or (resource.namespaced and not dependent.namespace):
            return OwnerState.SOLID
        try:
            live = await self._get(resource, owner, dependent)
        except NotFound as error:
            if (error.details or {}).get("name") != owner.name:
                return OwnerState.SOLID  # The server doesn't know the resource, which says nothing of the object.
            self._remember(remembered)
            return OwnerState.ABSENT
        if uid(live) != owner.uid:
            self._remember(remembered)
            return OwnerState.ABSENT
        if deletion_timestamp(live) and FOREGROUND_FINALIZER in finalizers(live):
            return OwnerState.WAITING
        return OwnerState.SOLID

    async def _get(self, resource: ServedResource, owner: Owner, dependent: Node) -> Object:
        space = dependent.namespace if resource.namespaced else ""
        client = self._cluster_client.cluster(dependent.cluster)
        return await client.resource(without_identity(resource.gvr), space).get(owner.name)

    def _resource(self, owner: Owner) -> ServedResource | None:
        """The resource that holds the owner's kind, at its own version if that is followed."""
        try:
            group_version = GroupVersion.parse(owner.api_version)
        except ValueError:
            return None
        candidates = self._resources.by_kind(group_version.group, owner.kind)
        exact = [resource for resource in candidates if resource.gvr.version == group_version.version]
        return next(iter(exact or candidates), None)

    def _remember(self, key: str) -> None:
        self._absent[key] = None
        if len(self._absent) > _MAX_ABSENT:
            self._absent.popitem(last=False)


def without_identity(gvr: GroupVersionResource) -> GroupVersionResource:
    """The resource as it is addressed inside one logical cluster."""
    return gvr._replace(resource=gvr.resource.partition(":")[0])
