"""Wires status changes on both sides to the report of one object's status."""

from __future__ import annotations

from typing import Final

from headwater.client.paths import JSON_PATCH
from headwater.controller import Controller, Result
from headwater.machinery.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deletion_timestamp, name, object_key, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.identity import item_of, parse_item, says_object_is_absent
from headwater.syncer.latency import latency
from headwater.syncer.mutate.body import REVISION_ANNOTATION
from headwater.syncer.mutate.status import upstream_status
from headwater.syncer.namespaces.mapping import NamespaceCollision
from headwater.syncer.sides import Sides
from headwater.syncer.spec.place import is_copy_of, names_the_same, place_of, upstream_key
from headwater.syncer.traces import SyncTraces
from headwater.telemetry.logging import get_logger

_NOT_SYNCED_SECONDS: Final = 1.0

log = get_logger("syncer.status")


class StatusSyncer:
    """The controller from downstream to upstream."""

    def __init__(self, sides: Sides, *, traces: SyncTraces, workers: int) -> None:
        self._identity = sides.identity
        self._upstream = sides.upstream
        self._downstream = sides.downstream
        self._namespaces = sides.namespaces
        self._activity = sides.activity
        self._traces = traces
        self._latency = latency(sides.registry, sides.clock, "up")
        self.controller = Controller(
            "syncer-status", reconcile=self.reconcile, workers=workers, clock=sides.clock, registry=sides.registry
        )

    def upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change in the virtual workspace: a status that isn't what we reported is put right."""
        if new is not None and (old is None or old.get("status") != new.get("status")):
            self.controller.enqueue(item_of(resource, object_key(new)))

    def downstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change on the pcluster."""
        if new is None:
            return
        if old is not None and names_the_same(old, new) and upstream_status(old) == upstream_status(new):
            return
        key = upstream_key(resource, new, namespaces=self._namespaces, identity=self._identity)
        if key is not None:
            self._latency.changed(item_of(resource, key))
            self.controller.enqueue(item_of(resource, key))

    async def reconcile(self, item: str) -> Result | None:
        """Report one status if it differs from what the virtual workspace shows."""
        resource, key = parse_item(item)
        seen = self._upstream.get(resource, key)
        if seen is None:
            synced = self._upstream.synced(resource) or self._downstream.informers.version(resource) is None
            return None if synced else Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        try:
            place = place_of(resource, key, self._namespaces)
        except NamespaceCollision:
            return None  # The spec syncer reports it.
        copy = self._downstream.get(resource, place.namespace, place.name)
        if copy is not None and not is_copy_of(copy, key, self._identity):
            return None  # It has the name, and belongs to another workspace.
        status = upstream_status(copy) if copy is not None else None
        if copy is None or status is None or seen.get("status") == status:
            self._latency.same(item)
            return None
        if self._downstream.ends(copy) and not deletion_timestamp(seen):
            # It was to go, and now another is to come in its place: what this one runs must not count for that.
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        patch: list[Object] = [
            {"op": "test", "path": "/metadata/uid", "value": uid(seen)},
            {"op": "add", "path": "/status", "value": status},
        ]
        try:
            with self._traces.reporting(item, (place.namespace, place.name)):
                await self._upstream.resource(resource, key).patch_status(name(seen), patch, patch_type=JSON_PATCH)
            self._activity.note()
            self._latency.written(item)
            revision = annotations_of(copy).get(REVISION_ANNOTATION, "")
            log.debug("status reported", upstream=item, downstream=str(place), revision=revision)
        except (NotFound, MethodNotAllowed, BadRequest) as error:
            if isinstance(error, NotFound) and not says_object_is_absent(error, resource, name(seen)):
                raise  # It is the resource that is not served for now, and no event would bring us back.
            log.debug("status not reported", upstream=item, downstream=str(place), error=str(error))
        except Forbidden:
            # Not claimed yet, or taken away from us: in the first case the claim's event brings us back here.
            if not deletion_timestamp(seen):
                return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        return None
