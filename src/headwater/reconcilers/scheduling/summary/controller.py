"""Watches objects that several targets run, and writes their summarised status."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX
from headwater.client.informer import Informer
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, labels, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.fleet import Fleet, namespace_key
from headwater.reconcilers.scheduling.inventory import Inventory, plain
from headwater.reconcilers.scheduling.summary.step_aggregate import aggregate, summarizable, unpromoted

CONTROLLER_NAME: Final = "placement-status-summary"
_WORKERS: Final = 4


class SummaryController:
    """Writes the status of objects with several targets, or of which one target is left.

    With one target from the beginning the virtual workspace promotes its status.
    """

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
        if not summarizable(*plain(gvr)):
            return
        self._gvrs[str(gvr)] = gvr

        def changed(_kind: str, _old: Object | None, new: Object | None) -> None:
            if new is not None and _reported(new):
                self.controller.enqueue(f"{gvr} {object_key(new)}")

        informer.add_handler(changed)

    async def reconcile(self, key: str) -> Result | None:
        """One object, named by `<resource> <informer key>`: first what was promoted, in the next pass the status."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        if obj is None:
            return None
        committer = Committer.of(self._fleet.cluster_client, gvr)
        apart = unpromoted(obj)
        try:
            if apart is not None:
                await committer.commit(obj, apart)
                return None
            summary = aggregate(obj, *plain(gvr), self._wanted(obj))
            if summary is not None and summary != obj.get("status"):
                await committer.commit(obj, {**obj, "status": summary})
        except NotFound:
            pass
        return None

    def _wanted(self, obj: Object) -> Collection[str] | None:
        """Keys of the targets that the object's namespace has and keeps."""
        holder = self._fleet.namespaces.get(namespace_key(obj))
        if holder is None:
            return None
        return target_keys(labels(holder)).keys() - deletion_marks(annotations_of(holder)).keys()


def _reported(obj: Object) -> bool:
    return any(note.startswith(STATUS_DIFF_ANNOTATION_PREFIX) for note in annotations_of(obj))
