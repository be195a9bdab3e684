"""Informers over the metadata of every resource that is served, following what comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.discovery import ServedResource
from headwater.client.dynamic import ClusterClient
from headwater.client.informer.informer import Informer
from headwater.client.informer.resting import rest
from headwater.client.paths import WILDCARD
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object


class ResourceListener(Protocol):
    """Hears of resources that are served, or are no more."""

    def resource_added(self, resource: ServedResource, informer: Informer) -> None: ...

    def resource_removed(self, resource: ServedResource, informer: Informer) -> None: ...


class ResourceSet:
    """One metadata-only informer for each resource that can be listed and watched.

    The composition root calls `sync` with what is served now, at one version for each resource. On a control plane a
    resource name may carry an identity (`widgets:<hash>`). Objects hold apiVersion, kind and metadata, nothing else.
    """

    def __init__(self, cluster_client: ClusterClient, *, scope: str = WILDCARD, clock: Clock | None = None) -> None:
        self._collection = cluster_client.cluster(scope)
        self._clustered = bool(scope)
        self._clock = clock or SystemClock()
        self._resources: dict[GroupVersionResource, tuple[ServedResource, Informer]] = {}
        self._tasks: dict[GroupVersionResource, asyncio.Task[None]] = {}
        self._listeners: list[ResourceListener] = []
        self._group: TaskGroup | None = None
        self._kinds: dict[tuple[str, str], list[ServedResource]] = {}

    @property
    def resources(self) -> Mapping[GroupVersionResource, tuple[ServedResource, Informer]]:
        """What is followed now."""
        return self._resources

    @property
    def has_synced(self) -> bool:
        """True when resources are known, and all of their informers have listed."""
        return bool(self._resources) and all(informer.has_synced for _, informer in self._resources.values())

    def by_kind(self, group: str, kind: str) -> list[ServedResource]:
        """Resources that hold objects of a kind."""
        return self._kinds.get((group, kind), [])

    def add_listener(self, listener: ResourceListener) -> None:
        """Have a listener told of every resource, those that are there now included."""
        self._listeners.append(listener)
        for resource, informer in list(self._resources.values()):
            listener.resource_added(resource, informer)

    def sync(self, served: Iterable[ServedResource]) -> None:
        """Follow exactly these resources, as far as they can be listed and watched."""
        wanted = {resource.gvr: resource for resource in served if resource.supports("list", "watch")}
        for gvr in [gvr for gvr in self._resources if gvr not in wanted]:
            self._remove(gvr)
        for gvr, resource in wanted.items():
            if gvr not in self._resources:
                self._add(gvr, resource)

    async def wait_synced(self) -> None:
        """Wait until every resource that is followed now has been listed."""
        for _, informer in list(self._resources.values()):
            await informer.wait_synced()

    async def run(self) -> None:
        """Run the informers until cancelled."""
        async with TaskGroup("resource informers") as group:
            self._group = group
            try:
                for gvr, (_, informer) in self._resources.items():
                    self._tasks[gvr] = group.start(informer.run(), name=informer.name)
                group.start(rest(self._informers, self._clock), name="resting")
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    def _informers(self) -> list[Informer]:
        return [informer for _, informer in self._resources.values()]

    def _add(self, gvr: GroupVersionResource, resource: ServedResource) -> None:
        informer = Informer(
            self._collection.resource(gvr),
            name=f"metadata of {gvr}",
            clustered=self._clustered,
            metadata_only=True,
            transform=only_metadata,
            clock=self._clock,
        )
        self._resources[gvr] = (resource, informer)
        self._kinds.setdefault((gvr.group, resource.kind), []).append(resource)
        for listener in self._listeners:
            listener.resource_added(resource, informer)
        if self._group is not None:
            self._tasks[gvr] = self._group.start(informer.run(), name=informer.name)

    def _remove(self, gvr: GroupVersionResource) -> None:
        resource, informer = self._resources.pop(gvr)
        self._kinds[(gvr.group, resource.kind)].remove(resource)
        task = self._tasks.pop(gvr, None)
        if task is not None:
            task.cancel()
        for listener in self._listeners:
            listener.resource_removed(resource, informer)


def only_metadata(obj: Object) -> Object:
    """Reduce an object to its type and metadata, also if the server sent all of it."""
    meta = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "managedFields"}
    return {"apiVersion": obj.get("apiVersion", ""), "kind": obj.get("kind", ""), "metadata": meta}
