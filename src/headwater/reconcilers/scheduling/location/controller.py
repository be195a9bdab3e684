"""Watches Locations and SyncTargets, and keeps the status of Locations true."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from headwater.apis.placement.v1alpha1.location import DEFAULT_LOCATION, LOCATION, LOCATIONS
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.objects import Object, cluster_name, deep_copy, name, object_key
from headwater.machinery.watch import DELETED
from headwater.reconcilers.fleet import BY_CLUSTER, Fleet
from headwater.reconcilers.scheduling.location.step_status import record_counts, record_labels
from headwater.scheduling.model import Location, Target
from headwater.scheduling.snapshot import location_from, target_from

CONTROLLER_NAME: Final = "placement-location-status"
_DEFAULT_PREFIX: Final = "default-of:"


class LocationController:
    """Counts the SyncTargets of each Location, and makes a default Location where there are SyncTargets."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._targets: dict[str, dict[str, Target]] = {}
        """What counts of the SyncTargets, by logical cluster and key; each Location looks at all of its cluster."""
        self._selecting: dict[str, Location] = {}
        """The Locations whose selectors can be read, by key; a SyncTarget concerns few of many."""
        self._committer = Committer.of(fleet.cluster_client, LOCATIONS)
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=fleet.clock)
        fleet.locations.add_handler(self._on_location)
        fleet.sync_targets.add_handler(self._on_sync_target)
        fleet.bindings.add_handler(self._on_binding)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_location(self, kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        self._selecting.pop(object_key(changed), None)
        if kind == DELETED:
            if name(changed) == DEFAULT_LOCATION:
                self.controller.enqueue(_DEFAULT_PREFIX + cluster_name(changed))
        else:
            with suppress(ValueError):
                self._selecting[object_key(changed)] = location_from(changed)
            self.controller.enqueue(object_key(changed))

    def _on_sync_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        cluster, key = cluster_name(changed), object_key(changed)
        known = self._targets.setdefault(cluster, {})
        was, counted = known.pop(key, None), _counted(new) if new is not None else None
        if counted is not None:
            known[key] = counted
        elif not known:
            del self._targets[cluster]
        if was == counted:
            return
        self.controller.enqueue(_DEFAULT_PREFIX + cluster)
        for each in self._fleet.locations.index_keys(BY_CLUSTER, cluster):
            selecting = self._selecting.get(each)
            if selecting is not None and any(
                target is not None and selecting.holds(target) for target in (was, counted)
            ):
                self.controller.enqueue(each)

    def _on_binding(self, _kind: str, _old: Object | None, new: Object | None) -> None:
        """The API of Locations may be bound after SyncTargets were made."""
        if new is not None and self._fleet.sync_targets.index_keys(BY_CLUSTER, cluster_name(new)):
            self.controller.enqueue(_DEFAULT_PREFIX + cluster_name(new))

    async def reconcile(self, key: str) -> Result | None:
        """One Location, or the default Location of a logical cluster."""
        if key.startswith(_DEFAULT_PREFIX):
            await self._ensure_default(key.removeprefix(_DEFAULT_PREFIX))
            return None
        location = self._fleet.locations.get(key)
        if location is None:
            return None
        labelled = deep_copy(location)
        record_labels(labelled)
        if await self._committer.commit(location, labelled):
            return None
        now = self._fleet.clock.now()
        targets = list(self._targets.get(cluster_name(location), {}).values())
        counted = deep_copy(location)
        record_counts(counted, targets, now)
        await self._committer.commit(location, counted)
        draining = [target.evict_after for target in targets if target.evict_after and target.evict_after > now]
        return Result(requeue_after_seconds=(min(draining) - now).total_seconds()) if draining else None

    async def _ensure_default(self, cluster: str) -> None:
        if not self._fleet.sync_targets.index_keys(BY_CLUSTER, cluster):
            return
        if self._fleet.locations.get(f"{cluster}|{DEFAULT_LOCATION}") is not None:
            return
        location = {
            "apiVersion": LOCATION.api_version,
            "kind": LOCATION.kind,
            "metadata": {"name": DEFAULT_LOCATION},
            "spec": {"description": "All SyncTargets of this workspace", "instanceSelector": {}},
        }
        try:
            await self._fleet.cluster_client.cluster(cluster).resource(LOCATIONS).create(location)
        except (AlreadyExists, NotFound):
            # NotFound: this workspace has no Locations. The binding that brings them leads here again.
            return


def _counted(sync_target: Object) -> Target:
    """What counts of a SyncTarget here: not its capacity, which changes all the time."""
    return target_from(sync_target).without_load()
