"""Watches everything that can be placed, and keeps each object's targets in line with its namespace."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from headwater.apis.workload.intent import deletion_marks, names_targets, target_keys
from headwater.apis.workload.labels import sync_target_key
from headwater.client.informer import Informer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, namespace, object_key, resource_version, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time
from headwater.machinery.watch import DELETED
from headwater.reconcilers.fleet import BY_CLUSTER, Fleet, namespace_key
from headwater.reconcilers.scheduling.inventory import Inventory, plain
from headwater.reconcilers.scheduling.resource.step_divide import division_change
from headwater.reconcilers.scheduling.resource.step_intent import IntentChange, intent_change
from headwater.reconcilers.scheduling.resource.wanted import Scene, Subject, wanted_of
from headwater.scheduling.matching import placement_applies, same_effect
from headwater.scheduling.readiness import WORKLOAD_RESOURCES

CONTROLLER_NAME: Final = "placement-resource"
_WORKERS: Final = 8
_SETTLING_SECONDS: Final = 1.0
"""After this long an object is looked at again that was judged before all workloads were known."""


class ResourceController:
    """Adds and removes state labels and deletion marks; shares out replicas where a Placement divides them."""

    def __init__(self, fleet: Fleet, inventory: Inventory) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._gvrs: dict[str, GroupVersionResource] = {}
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=_WORKERS, clock=fleet.clock)
        inventory.add_listener(self._on_resource)
        fleet.namespaces.add_handler(self._on_namespace)
        fleet.placements.add_handler(self._on_placement)
        fleet.sync_targets.add_handler(self._on_sync_target)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        self._gvrs[str(gvr)] = gvr
        workload = plain(gvr) in WORKLOAD_RESOURCES

        def changed(_kind: str, old: Object | None, new: Object | None) -> None:
            if new is not None and self._concerns_targets(new):
                self._enqueue(gvr, object_key(new))
            if workload and old is not None and _left_a_target(old, new):
                self._enqueue_all(self._inventory.in_namespace(namespace_key(old)))

        informer.add_handler(changed)

    def _concerns_targets(self, obj: Object) -> bool:
        """Most objects are in namespaces without targets: a look at both is all that their changes may cost.

        When the namespace gets its first target, all of its objects are looked at.
        """
        if names_targets(obj):
            return True
        holder = self._fleet.namespaces.get(namespace_key(obj))
        return holder is not None and names_targets(holder)

    def _on_namespace(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        before = (target_keys(labels(old)), deletion_marks(annotations_of(old))) if old is not None else None
        if before != (target_keys(labels(new)), deletion_marks(annotations_of(new))):
            self._enqueue_all(self._inventory.in_namespace(object_key(new)))

    def _on_placement(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and same_effect(old, new):
            return
        concerned = [each for each in (old, new) if each is not None]
        for holder in self._fleet.namespaces.by_index(BY_CLUSTER, cluster_name(concerned[0])):
            if any(placement_applies(each, holder) for each in concerned):
                self._enqueue_all(self._inventory.in_namespace(object_key(holder)))

    def _on_sync_target(self, kind: str, old: Object | None, _new: Object | None) -> None:
        if kind == DELETED and old is not None:
            self._enqueue_all(self._inventory.on_target(sync_target_key(cluster_name(old), name(old))))

    def _enqueue_all(self, objects: Iterable[tuple[GroupVersionResource, str]]) -> None:
        for gvr, key in objects:
            self._enqueue(gvr, key)

    def _enqueue(self, gvr: GroupVersionResource, key: str) -> None:
        self.controller.enqueue(f"{gvr} {key}")

    async def reconcile(self, key: str) -> Result | None:
        """One object, named by `<resource> <informer key>`."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        if obj is None:
            return None
        scene = self._scene(obj) if self._inventory.placed(gvr) else None
        wanted = wanted_of(Subject(obj, *plain(gvr)), scene) if scene is not None else None
        now = format_time(self._fleet.clock.now())
        change = intent_change(obj, wanted, target_exists=self._fleet.target_exists, now=now)
        if wanted is not None and not change.delete:
            change.annotations.update(division_change(obj, wanted.shares, gently=not wanted.at_once))
        if change:
            await self._write(gvr, obj, change)
        return None if self._inventory.settled(cluster_name(obj)) else Result(requeue_after_seconds=_SETTLING_SECONDS)

    def _scene(self, obj: Object) -> Scene | None:
        holder = self._fleet.namespaces.get(namespace_key(obj))
        if holder is None:
            return None
        placements = tuple(self._fleet.placements.by_index(BY_CLUSTER, cluster_name(obj)))
        runs_on = partial(self._inventory.runs_on, namespace_key(obj))
        return Scene(holder, placements, self._fleet.target_name, runs_on)

    async def _write(self, gvr: GroupVersionResource, obj: Object, change: IntentChange) -> None:
        client = self._fleet.cluster_client.cluster(cluster_name(obj)).resource(gvr, namespace(obj))
        try:
            if change.delete:
                await client.delete(name(obj), uid=uid(obj), grace_period_seconds=0)
                return
            meta: Object = {"uid": uid(obj), "resourceVersion": resource_version(obj)}
            if change.labels:
                meta["labels"] = change.labels
            if change.annotations:
                meta["annotations"] = change.annotations
            if change.finalizers is not None:
                meta["finalizers"] = change.finalizers
            await client.patch(name(obj), {"metadata": meta})
        except NotFound:
            return


def _left_a_target(old: Object, new: Object | None) -> bool:
    """True when a workload is no longer on a target, so that what it needs there may go too."""
    after = target_keys(labels(new)) if new is not None else {}
    return any(key not in after for key in target_keys(labels(old)))
