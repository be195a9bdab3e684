"""Informers that are shared: one for each (cluster scope, resource, selectors) of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer.informer import Informer, Transform, drop_managed_fields
from headwater.client.informer.resting import rest
from headwater.client.paths import WILDCARD
from headwater.machinery.gvk import GroupVersionResource

_Key = tuple[str, GroupVersionResource, str, str, Transform]


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
        self._group: TaskGroup | None = None

    def informer(
        self,
        gvr: GroupVersionResource,
        *,
        cluster: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        transform: Transform = drop_managed_fields,
    ) -> Informer:
        """The informer that is shared by all who ask for the same; ``transform`` is part of what is asked for."""
        scope = self.scope if cluster is None else cluster
        key = (scope, gvr, label_selector, field_selector, transform)
        found = self._informers.get(key)
        if found is not None:
            return found
        resource = self.cluster_client.cluster(scope).resource(gvr)
        informer = Informer(
            resource,
            name=f"{gvr}@{scope or 'server'}",
            clustered=bool(scope),
            label_selector=label_selector,
            field_selector=field_selector,
            transform=transform,
            clock=self._clock,
        )
        self._informers[key] = informer
        if self._group is not None:
            self._start(informer)
        return informer

    def informers(self) -> Sequence[Informer]:
        """All informers made so far and not dropped."""
        return list(self._informers.values())

    async def wait_synced(self) -> None:
        """Wait until every informer made so far has listed its collection."""
        for informer in self.informers():
            await informer.wait_synced()

    async def run(self) -> None:
        """Run all informers until cancelled."""
        async with TaskGroup("informers") as group:
            self._group = group
            try:
                for informer in self._informers.values():
                    self._start(informer)
                group.start(rest(self.informers, self._clock), name="resting")
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    def _start(self, informer: Informer) -> None:
        assert self._group is not None, "informers are started while the factory runs"
        self._group.start(informer.run(), name=informer.name)
