"""Watches SyncTargets that are lost, and says of the pods that came up from them that nobody knows how they fare."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import sync_target_key
from headwater.client.informer import Informer
from headwater.controller.controller import Controller
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, namespace, object_key
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.scheduling.inventory import Inventory, plain
from headwater.reconcilers.scheduling.reachability import lost_from, lost_targets
from headwater.reconcilers.scheduling.upsynced.step_doubt import doubted

CONTROLLER_NAME: Final = "upsynced-pods"
_WORKERS: Final = 4
_PODS: Final = ("", "pods")


class UpsyncedPodController:
    """Doubts each pod once, when its target is lost. What a syncer reports after that stands: it is heard of again."""

    def __init__(self, fleet: Fleet, inventory: Inventory) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._gvrs: dict[str, GroupVersionResource] = {}
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=_WORKERS, clock=fleet.clock)
        inventory.add_listener(self._on_resource)
        fleet.sync_targets.add_handler(self._on_sync_target)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        if plain(gvr) != _PODS:
            return
        self._gvrs[str(gvr)] = gvr

        def changed(_kind: str, old: Object | None, new: Object | None) -> None:
            if old is None and new is not None and lost_targets(self._fleet, new):
                self.controller.enqueue(f"{gvr} {object_key(new)}")

        informer.add_handler(changed)

    def _on_sync_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is None or lost_from(new) is None or (old is not None and lost_from(old) is not None):
            return
        for gvr, key in self._inventory.on_target(sync_target_key(cluster_name(new), name(new))):
            if str(gvr) in self._gvrs:
                self.controller.enqueue(f"{gvr} {key}")

    async def reconcile(self, key: str) -> None:
        """One pod, named by `<resource> <informer key>`."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        known = self._inventory.informers()[gvr].get(object_of)
        lost = lost_targets(self._fleet, known) if known is not None else {}
        if known is None or not lost:
            return
        pods = self._fleet.cluster_client.cluster(cluster_name(known)).resource(gvr, namespace(known))
        try:
            pod = await pods.get(name(known))
            status = doubted(pod.get("status") or {}, next(iter(lost.values())))
            if status != pod.get("status"):
                await pods.update_status({**pod, "status": status})
        except NotFound:
            return
