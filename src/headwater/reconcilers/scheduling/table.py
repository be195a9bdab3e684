"""All scheduling and SyncTarget controllers, started together because they share informers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.controller.events import EventRecorder
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.scheduling.autoscaler.controller import AutoscalerController
from headwater.reconcilers.scheduling.inventory import Inventory
from headwater.reconcilers.scheduling.location.controller import LocationController
from headwater.reconcilers.scheduling.namespace.controller import NamespaceController
from headwater.reconcilers.scheduling.placement.controller import PlacementController
from headwater.reconcilers.scheduling.resource.controller import ResourceController
from headwater.reconcilers.scheduling.resource.moves import MoveLimits
from headwater.reconcilers.scheduling.summary.controller import SummaryController
from headwater.reconcilers.scheduling.upsynced.controller import UpsyncedPodController
from headwater.reconcilers.scheduling.workloads import Workloads
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.reconcilers.workload.synctarget.controller import SyncTargetController
from headwater.reconcilers.workload.synctarget.step_heartbeat import DEFAULT_THRESHOLD_SECONDS
from headwater.scheduling.world import World

OPTION_HEARTBEAT_THRESHOLD: Final = "sync_target_heartbeat_threshold_seconds"
"""Seconds without a heartbeat after which a SyncTarget is not ready; a float above zero."""

OPTION_MOVE_LIMITS: Final = "move_limits"
"""How fast workloads may move; a MoveLimits."""
OPTION_PUBLISH_WORLD: Final = "publish_world"
"""Called with the engine's World once all that it is made of is known; a `Callable[[World], None]`."""
EVENT_COMPONENT: Final = "headwater-scheduler"


class SchedulingControllers:
    """Runs the controllers that turn Placements into targets on objects."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    async def run(self) -> None:
        """Wait for the sync and placement exports, then work until cancelled."""
        context = self._context
        fleet = await Fleet.open(context.cluster_client, context.informers, context.clock)
        inventory = Inventory(fleet, context.cluster_client, context.clock)
        workloads = Workloads(fleet, inventory)
        feed = WorldFeed(fleet, inventory, workloads, World())
        events = EventRecorder(context.client, component=EVENT_COMPONENT, clock=context.clock)
        limits: MoveLimits = context.options.get(OPTION_MOVE_LIMITS) or MoveLimits()
        threshold = float(context.options.get(OPTION_HEARTBEAT_THRESHOLD, DEFAULT_THRESHOLD_SECONDS))
        targets = SyncTargetController(
            fleet, heartbeat_threshold_seconds=threshold, events=events, requested=feed.requested
        )
        feed.on_requested.append(targets.requested_changed)
        placements = PlacementController(fleet, feed)
        resources = ResourceController(fleet, inventory, workloads, feed, events=events, limits=limits)
        placements.on_policy.append(resources.policy_changed)
        summaries = SummaryController(fleet, inventory, scheduled=resources.verdict_of, wanted=resources.assigned_to)
        resources.on_verdict.append(summaries.look_again)
        controllers = (
            targets,
            LocationController(fleet),
            placements,
            NamespaceController(fleet),
            resources,
            AutoscalerController(fleet, inventory),
            summaries,
            UpsyncedPodController(fleet, inventory),
        )
        publish: Callable[[World], None] | None = context.options.get(OPTION_PUBLISH_WORLD)
        async with TaskGroup("scheduling") as group:
            group.start(inventory.factory.run(), name="inventory")
            group.start(events.run(), name="events")
            for each in controllers:
                group.start(each.run(), name=each.controller.name)
            await fleet.wait_synced()
            if publish is not None:
                publish(feed.world)
