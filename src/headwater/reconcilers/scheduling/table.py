"""All scheduling and SyncTarget controllers, started together because they share informers."""

from __future__ import annotations

from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.scheduling.inventory import Inventory
from headwater.reconcilers.scheduling.location.controller import LocationController
from headwater.reconcilers.scheduling.namespace.controller import NamespaceController
from headwater.reconcilers.scheduling.placement.controller import PlacementController
from headwater.reconcilers.scheduling.resource.controller import ResourceController
from headwater.reconcilers.scheduling.summary.controller import SummaryController
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.reconcilers.workload.synctarget.controller import SyncTargetController
from headwater.reconcilers.workload.synctarget.step_heartbeat import DEFAULT_THRESHOLD_SECONDS
from headwater.scheduling.world import World

OPTION_HEARTBEAT_THRESHOLD: Final = "sync_target_heartbeat_threshold_seconds"
"""Seconds without a heartbeat after which a SyncTarget is not ready; a float above zero."""


class SchedulingControllers:
    """Runs the controllers that turn Placements into targets on objects."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    async def run(self) -> None:
        """Wait for the sync and placement exports, then work until cancelled."""
        context = self._context
        fleet = await Fleet.open(context.cluster_client, context.informers, context.clock)
        inventory = Inventory(fleet, context.cluster_client, context.clock)
        threshold = float(context.options.get(OPTION_HEARTBEAT_THRESHOLD, DEFAULT_THRESHOLD_SECONDS))
        controllers = (
            SyncTargetController(fleet, heartbeat_threshold_seconds=threshold),
            LocationController(fleet),
            PlacementController(fleet, WorldFeed(fleet, inventory, World())),
            NamespaceController(fleet),
            ResourceController(fleet, inventory),
            SummaryController(fleet, inventory),
        )
        async with TaskGroup("scheduling") as group:
            group.start(inventory.factory.run(), name="inventory")
            for each in controllers:
                group.start(each.run(), name=each.controller.name)
