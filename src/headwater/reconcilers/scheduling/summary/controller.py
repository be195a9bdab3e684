"""Watches objects that several targets run, and writes their summarised status."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX
from headwater.client.informer import Informer
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, labels, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.scheduling.inventory import Inventory
from headwater.reconcilers.scheduling.summary.step_aggregate import aggregate, summarizable

CONTROLLER_NAME: Final = "placement-status-summary"
_WORKERS: Final = 4


class SummaryController:
    """Writes the status of objects with several targets; with one target the virtual workspace promotes it."""

    def __init__(self, fleet: Fleet, inventory: Inventory) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._gvrs: dict[str, GroupVersionResource] = {}
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=_WORKERS, clock=fleet.clock)
        inventory.add_listener(self._on_resource)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        if not summarizable(gvr.group, gvr.resource.partition(":")[0]):
            return
        self._gvrs[str(gvr)] = gvr

        def changed(_kind: str, _old: Object | None, new: Object | None) -> None:
            if new is not None and len(target_keys(labels(new))) > 1 and _reported(new):
                self.controller.enqueue(f"{gvr} {object_key(new)}")

        informer.add_handler(changed)

    async def reconcile(self, key: str) -> Result | None:
        """One object, named by `<resource> <informer key>`."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        if obj is None:
            return None
        summary = aggregate(obj, gvr.group, gvr.resource.partition(":")[0])
        if summary is None or summary == obj.get("status"):
            return None
        try:
            await Committer.of(self._fleet.cluster_client, gvr).commit(obj, {**obj, "status": summary})
        except NotFound:
            return None
        return None


def _reported(obj: Object) -> bool:
    return any(note.startswith(STATUS_DIFF_ANNOTATION_PREFIX) for note in annotations_of(obj))
