"""Runs every controller of the control plane on the loop of the server, through the client like any other user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import InformerFactory, ResourceSet
from headwater.reconcilers.apis.table import CONTROLLERS as API_CONTROLLERS
from headwater.reconcilers.core.table import CONTROLLERS as CORE_CONTROLLERS
from headwater.reconcilers.interface import ControllerContext, ControllerFactory
from headwater.reconcilers.kube.table import CONTROLLERS as KUBE_CONTROLLERS
from headwater.reconcilers.scheduling.resource.moves import MoveLimits
from headwater.reconcilers.scheduling.table import (
    OPTION_HEARTBEAT_THRESHOLD,
    OPTION_MOVE_LIMITS,
    OPTION_PUBLISH_WORLD,
    SchedulingControllers,
)
from headwater.reconcilers.tenancy.table import TenancyControllers
from headwater.scheduling.world import World
from headwater.server.options import ControllerOptions
from headwater.server.resourcefeed import ResourceFeed
from headwater.telemetry.metrics import Registry

TABLE: Mapping[str, ControllerFactory] = {
    **CORE_CONTROLLERS,
    **API_CONTROLLERS,
    "tenancy": TenancyControllers,
    **KUBE_CONTROLLERS,
    "scheduling": SchedulingControllers,
}
"""Controller name to factory, in the order in which they start."""


class Controllers:
    """All controllers with the informers that they share."""

    def __init__(
        self,
        cluster_client: ClusterClient,
        *,
        clock: Clock,
        metrics: Registry,
        root_ca: str,
        feed: ResourceFeed,
        options: ControllerOptions,
        publish_world: Callable[[World], None],
    ) -> None:
        self._resources = ResourceSet(cluster_client, clock=clock)
        self._feed = feed
        self._informers = InformerFactory(cluster_client, clock=clock)
        named: dict[str, Any] = {
            "root_ca": root_ca,
            "resources": self._resources,
            OPTION_PUBLISH_WORLD: publish_world,
            OPTION_MOVE_LIMITS: MoveLimits(rate=options.move_rate, burst=options.move_burst),
        }
        if options.heartbeat_threshold_seconds is not None:
            named[OPTION_HEARTBEAT_THRESHOLD] = options.heartbeat_threshold_seconds
        self._context = ControllerContext(
            cluster_client=cluster_client,
            informers=self._informers,
            clock=clock,
            registry=metrics,
            options=named,
        )

    def not_synced(self) -> str | None:
        """Names an informer that has not listed yet; None when all have."""
        waiting = [informer.name for informer in self._informers.informers() if not informer.has_synced]
        return f"not synced: {waiting[0]}" if waiting else None

    async def run(self) -> None:
        """Run until cancelled."""
        async with TaskGroup("controllers") as group:
            for name, factory in TABLE.items():
                group.start(factory(self._context).run(), name=name)
            group.start(self._informers.run(), name="informers")
            group.start(self._feed.run(self._resources), name="resource feed")
            group.start(self._resources.run(), name="resources")
