"""Watches Namespaces and Placements, and keeps the sync targets of Namespaces right."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.conditions import Condition, set_condition
from headwater.machinery.objects import Object, cluster_name, deep_copy, name, object_key
from headwater.reconcilers.fleet import BY_CLUSTER, NAMESPACES, Fleet
from headwater.reconcilers.scheduling.namespace.step_schedule import (
    CONDITION_NAMESPACE_SCHEDULED,
    bind,
    schedule,
    scheduled_condition,
)
from headwater.scheduling.matching import same_effect

CONTROLLER_NAME: Final = "placement-namespace"


class NamespaceController:
    """Puts the targets of matching Placements on Namespaces, and says whether there are any."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._committer = Committer.of(fleet.cluster_client, NAMESPACES)
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=fleet.clock)
        fleet.namespaces.add_handler(self._on_namespace)
        fleet.placements.add_handler(self._on_placement)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_namespace(self, _kind: str, _old: Object | None, new: Object | None) -> None:
        if new is not None and name(new) not in UNSCHEDULED_NAMESPACES:
            self.controller.enqueue(object_key(new))

    def _on_placement(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and same_effect(old, new):
            return
        changed = new or old
        assert changed is not None, "an event has an object"
        for key in self._fleet.namespaces.index_keys(BY_CLUSTER, cluster_name(changed)):
            if key.partition("|")[2] not in UNSCHEDULED_NAMESPACES:
                self.controller.enqueue(key)

    async def reconcile(self, key: str) -> Result | None:
        """One Namespace: first labels and annotations, then, in the pass that follows, its condition."""
        namespace = self._fleet.namespaces.get(key)
        if namespace is None:
            return None
        now = self._fleet.clock.now()
        placements = self._fleet.placements.by_index(BY_CLUSTER, cluster_name(namespace))
        placed = deep_copy(namespace)
        bind(placed, placements)
        seconds = schedule(placed, placements, now, target_exists=self._fleet.target_exists)
        if not await self._committer.commit(namespace, placed):
            status, reason, message = scheduled_condition(namespace)
            judged = deep_copy(namespace)
            set_condition(judged, Condition(CONDITION_NAMESPACE_SCHEDULED, status, reason, message), now)
            await self._committer.commit(namespace, judged)
        return Result(requeue_after_seconds=seconds) if seconds is not None else None
