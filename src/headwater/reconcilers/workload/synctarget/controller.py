"""Watches SyncTargets, Shards and exports, and keeps SyncTargets described and judged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from headwater.apis.apis.v1alpha1.apiresourceschema import API_RESOURCE_SCHEMA
from headwater.apis.core.v1alpha1.shard import SHARD
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import sync_target_key
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.events import EventRecorder
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, cluster_name, deep_copy, generation, name, nested, object_key
from headwater.reconcilers.fleet import BY_KEY, BY_REFERENCE, Fleet, by_reference
from headwater.reconcilers.workload.synctarget.step_binding import bind, binding_notice, consume_binding
from headwater.reconcilers.workload.synctarget.step_deletions import consume_leave, deletions_notice
from headwater.reconcilers.workload.synctarget.step_exports import record_synced_resources, record_unplaced_exports
from headwater.reconcilers.workload.synctarget.step_heartbeat import Sighting, heartbeat_notice, judge_heartbeat, sight
from headwater.reconcilers.workload.synctarget.step_identity import record_identity, record_urls
from headwater.reconcilers.workload.synctarget.step_requested import record_requested
from headwater.scheduling.model import Resources

CONTROLLER_NAME: Final = "synctarget"
_ROOT: Final = "root"
_MAX_SCHEMAS: Final = 4096
_MISSING_SCHEMA_SECONDS: Final = 15.0
"""After this long an export's schema that is not there is looked for again; no informer tells of schemas."""
_REQUESTED_SECONDS: Final = 2.0
"""What is requested on a SyncTarget changes with every workload, and is written at most this often."""

Requested = Callable[[str], Resources | None]
"""From a sync target key to what the workloads that are placed there request; None before that is known."""


class SyncTargetController:
    """Keeps identity, URLs, offered resources, readiness and `status.requested` of every SyncTarget right.

    Without ``requested`` that field is left alone.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        heartbeat_threshold_seconds: float,
        events: EventRecorder,
        requested: Requested | None = None,
    ) -> None:
        self._fleet = fleet
        self._events = events
        self._threshold = heartbeat_threshold_seconds
        self._requested = requested
        self._sightings: dict[str, Sighting] = {}
        self._committer = Committer.of(fleet.cluster_client, SYNC_TARGETS)
        self._schemas: OrderedDict[tuple[str, str], Object] = OrderedDict()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=fleet.clock)
        fleet.sync_targets.add_handler(self._on_sync_target)
        fleet.exports.add_handler(self._on_export)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def requested_changed(self, key: str) -> None:
        """What is requested on the SyncTarget with this sync target key changed; it is written in two seconds."""
        for target in self._fleet.sync_targets.index_keys(BY_KEY, key):
            self.controller.enqueue_after(target, _REQUESTED_SECONDS)

    def _on_sync_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._sight(new)
            for notice in (heartbeat_notice(old, new), deletions_notice(old, new), binding_notice(old, new)):
                if notice is not None:
                    self._events.record(notice)
            self.controller.enqueue(object_key(new))
        elif old is not None:
            self._sightings.pop(object_key(old), None)

    def _sight(self, target: Object) -> None:
        """Note when a heartbeat arrived: as soon as it is seen, since the queue may be long."""
        key = object_key(target)
        found = sight(target, self._sightings.get(key), self._fleet.clock.now(), self._threshold)
        if found is None:
            self._sightings.pop(key, None)
        else:
            self._sightings[key] = found

    def _on_export(self, _kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        references = set(by_reference(changed))
        for target in self._fleet.sync_targets.list():
            if references & set(_references(target)):
                self.controller.enqueue(object_key(target))

    async def reconcile(self, key: str) -> Result | None:
        """One SyncTarget: first label and spec, then, in the pass that follows, its status."""
        target = self._fleet.sync_targets.get(key)
        if target is None:
            return None
        identified = deep_copy(target)
        record_identity(identified)
        consume_leave(identified)
        consume_binding(identified)
        if await self._committer.commit(target, identified):
            return None
        exports = [
            export
            for reference in _references(target)
            for export in self._fleet.exports.by_index(BY_REFERENCE, reference)[:1]
        ]
        schemas, complete = await self._schemas_of(exports)
        described = deep_copy(target)
        bind(described)
        record_urls(described, await self._shards())
        record_synced_resources(described, exports, lambda export, schema: schemas.get((cluster_name(export), schema)))
        key_of_target = sync_target_key(cluster_name(target), name(target))
        requested = self._requested(key_of_target) if self._requested is not None else None
        if requested is not None:
            record_requested(described, requested)
        now = self._fleet.clock.now()
        record_unplaced_exports(described, exports, now)
        seconds = judge_heartbeat(described, self._sightings.get(key), now, self._threshold)
        described["status"]["observedGeneration"] = generation(target)
        await self._committer.commit(target, described)
        if not complete:
            seconds = min(seconds or _MISSING_SCHEMA_SECONDS, _MISSING_SCHEMA_SECONDS)
        return Result(requeue_after_seconds=seconds) if seconds is not None else None

    async def _shards(self) -> Sequence[Object]:
        shards, _ = await self._fleet.cluster_client.cluster(_ROOT).resource(SHARD.gvr).list_all()
        return shards

    async def _schemas_of(self, exports: Sequence[Object]) -> tuple[dict[tuple[str, str], Object], bool]:
        """Schemas of the exports by (logical cluster, name), and whether all are there.

        They never change, so each is read once.
        """
        found: dict[tuple[str, str], Object] = {}
        complete = True
        for export in exports:
            cluster = cluster_name(export)
            client = self._fleet.cluster_client.cluster(cluster).resource(API_RESOURCE_SCHEMA.gvr)
            for entry in nested(export, "spec", "resources", default=None) or ():
                reference = (cluster, entry["schema"])
                if reference not in self._schemas:
                    try:
                        self._schemas[reference] = _outline(await client.get(entry["schema"]))
                    except NotFound:
                        complete = False
                        continue
                self._schemas.move_to_end(reference)
                found[reference] = self._schemas[reference]
        while len(self._schemas) > _MAX_SCHEMAS:
            self._schemas.popitem(last=False)
        return found, complete


def _references(target: Object) -> list[str]:
    home = cluster_name(target)
    supported = nested(target, "spec", "supportedAPIExports", default=None) or ()
    return [f"{entry.get('path') or home}|{entry['export']}" for entry in supported]


def _outline(schema: Object) -> Object:
    """What is needed of a schema: group, names and versions, without the large OpenAPI part."""
    spec = schema["spec"]
    versions = [{"name": version["name"], "served": version.get("served")} for version in spec["versions"]]
    return {"spec": {"group": spec.get("group", ""), "names": spec["names"], "versions": versions}}
