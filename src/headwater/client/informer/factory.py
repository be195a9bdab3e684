"""Informers that are shared: one for each (cluster scope, resource, selector) of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer.informer import Informer, Transform, drop_managed_fields
from headwater.client.paths import WILDCARD
from headwater.machinery.gvk import GroupVersionResource

_Key = tuple[str, GroupVersionResource, str]


class InformerFactory:
    """Makes informers on request and runs them while `run` runs; those asked for later start at once.

    ``scope`` is the cluster that informers cover unless told otherwise: WILDCARD on a control plane, "" on a server
    without logical clusters.
    """

    def __init__(self, cluster_client: ClusterClient, *, scope: str = WILDCARD, clock: Clock | None = None) -> None:
        self.cluster_client = cluster_client
        self.scope = scope
        self._clock = clock or SystemClock()
        self._informers: dict[_Key, Informer] = {}
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._group: TaskGroup | None = None
        self._listeners: list[Callable[[GroupVersionResource, Informer], None]] = []

    def informer(
        self,
        gvr: GroupVersionResource,
        *,
        cluster: str | None = None,
        label_selector: str = "",
        metadata_only: bool = False,
        transform: Transform = drop_managed_fields,
    ) -> Informer:
        """The shared informer; ``metadata_only`` and ``transform`` count for whoever asks first."""
        scope = self.scope if cluster is None else cluster
        key = (scope, gvr, label_selector)
        found = self._informers.get(key)
        if found is not None:
            return found
        resource = self.cluster_client.cluster(scope).resource(gvr)
        informer = Informer(
            resource,
            name=f"{gvr}@{scope or 'server'}",
            clustered=bool(scope),
            label_selector=label_selector,
            metadata_only=metadata_only,
            transform=transform,
            clock=self._clock,
        )
        self._informers[key] = informer
        if self._group is not None:
            self._start(key, informer)
        for listener in self._listeners:
            listener(gvr, informer)
        return informer

    def add_listener(self, listener: Callable[[GroupVersionResource, Informer], None]) -> None:
        """Hear of informers as they are made, after one call for each that is there."""
        self._listeners.append(listener)
        for (_, gvr, _), informer in list(self._informers.items()):
            listener(gvr, informer)

    def informers(self) -> Sequence[Informer]:
        """All informers made so far and not dropped."""
        return list(self._informers.values())

    def drop(self, gvr: GroupVersionResource, *, cluster: str | None = None, label_selector: str = "") -> None:
        """Stop and forget an informer, because nobody needs it or its resource is gone."""
        key = (self.scope if cluster is None else cluster, gvr, label_selector)
        self._informers.pop(key, None)
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    async def wait_synced(self) -> None:
        """Wait until every informer made so far has listed its collection."""
        for informer in self.informers():
            await informer.wait_synced()

    async def run(self) -> None:
        """Run all informers until cancelled."""
        async with TaskGroup("informers") as group:
            self._group = group
            try:
                for key, informer in self._informers.items():
                    self._start(key, informer)
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    def _start(self, key: _Key, informer: Informer) -> None:
        assert self._group is not None, "informers are started while the factory runs"
        self._tasks[key] = self._group.start(informer.run(), name=informer.name)
