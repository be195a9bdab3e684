"""Watches autoscalers and what they scale, and divides the bounds of those whose workload is divided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.apis.workload.autoscalers import AUTOSCALERS, autoscalers_of, scale_target
from headwater.apis.workload.intent import names_targets
from headwater.client.informer import Informer
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, deep_copy, make_key, namespace, object_key, set_annotation
from headwater.reconcilers.fleet import BY_NAMESPACE, Fleet, namespace_key
from headwater.reconcilers.scheduling.autoscaler.step_bounds import autoscaler_change, shares_given
from headwater.reconcilers.scheduling.inventory import BUILTINS, Inventory, plain

CONTROLLER_NAME: Final = "placement-autoscaler"
_WORKERS: Final = 2


class AutoscalerController:
    """Keeps the spec diffs of autoscalers in line with the shares of the workloads that they scale.

    The replicas of such a workload are the pclusters' own (the syncer leaves them alone), so that the bounds are what
    is divided. The shares are read from the workload, so nobody else has to be asked.
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
        if plain(gvr) == tuple(AUTOSCALERS):
            self._gvrs[str(gvr)] = gvr
            informer.add_handler(lambda _kind, _old, new: self._on_autoscaler(gvr, new))
        elif gvr not in BUILTINS and self._inventory.placed(gvr):
            informer.add_handler(lambda _kind, old, new: self._on_workload(old, new))

    def _on_autoscaler(self, gvr: GroupVersionResource, new: Object | None) -> None:
        if new is not None and names_targets(new):
            self.controller.enqueue(f"{gvr} {object_key(new)}")

    def _on_workload(self, old: Object | None, new: Object | None) -> None:
        if new is None or shares_given(new) == (shares_given(old) if old is not None else {}):
            return
        for gvr in self._gvrs.values():
            around = self._inventory.informers()[gvr].by_index(BY_NAMESPACE, namespace_key(new))
            for each in autoscalers_of(new, around):
                self.controller.enqueue(f"{gvr} {object_key(each)}")

    async def reconcile(self, key: str) -> Result | None:
        """One autoscaler, named by `<resource> <informer key>`. Without its workload nothing is concluded."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        workload = next(iter(self._scaled(obj)), None) if obj is not None else None
        if obj is None or workload is None:
            return None
        changed: Object = deep_copy(obj)
        for note, text in autoscaler_change(obj, shares_given(workload)).items():
            set_annotation(changed, note, text)
        try:
            await Committer.of(self._fleet.cluster_client, gvr).commit(obj, changed)
        except NotFound:
            pass
        return None

    def _scaled(self, autoscaler: Object) -> Iterable[Object]:
        """What an autoscaler scales, as far as it is known."""
        group, kind, object_name = scale_target(autoscaler)
        key = make_key(cluster_name(autoscaler), namespace(autoscaler), object_name)
        for gvr, informer in self._inventory.informers().items():
            found = informer.get(key) if gvr.group == group and gvr not in BUILTINS else None
            if found is not None and found.get("kind") == kind:
                yield found
