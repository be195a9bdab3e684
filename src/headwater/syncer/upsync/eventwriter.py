"""Writes Events upstream: each message about an object once, counted, and not too many."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.upsync import PODS
from headwater.base.clock import Clock
from headwater.client.discovery import Discovery
from headwater.client.resource import ResourceClient
from headwater.controller import Controller, Result
from headwater.machinery.errors import AlreadyExists, BadRequest, Forbidden, Invalid, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, make_key, name, split_key, uid
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.mutate.names import upstream_name
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.eventbody import Involved, count_of, event_name, upstream_event
from headwater.syncer.upsync.eventfeed import EVENTS
from headwater.syncer.upsync.pace import Pace
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

log = get_logger("syncer.events")

MAX_WAITING: Final = 2000
MAX_KNOWN: Final = 4096
PER_NAMESPACE_AT_ONCE: Final = 100
PER_NAMESPACE_PER_SECOND: Final = 1.0
WRITES_PER_SECOND: Final = 20.0
REPEAT_SECONDS: Final = 10.0
"""A message that repeats is written again after this long."""
_MAX_NAMESPACES: Final = 10_000
_LOOKS: Final = 5
_LOOK_AGAIN_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Waiting:
    """An Event to write, and how often its object was looked for upstream."""

    event: Object
    looks: int = 0


class EventCopier:
    """A controller whose keys are upstream Events.

    Bounded in what waits, in what is remembered, and in what one namespace can have written: a tenant's pods that fail
    again and again don't keep others from being heard. What is beyond is dropped and counted.
    """

    def __init__(
        self, *, identity: TargetIdentity, upstream: Upstream, placed: Upstream, clock: Clock, registry: Registry
    ) -> None:
        self._identity = identity
        self._upstream = upstream
        self._placed = placed
        self._clock = clock
        self._kinds: dict[tuple[str, str], GroupResource] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._written: OrderedDict[str, float] = OrderedDict()
        self._paces: OrderedDict[str, Pace] = OrderedDict()
        self._pace = Pace(clock, rate=WRITES_PER_SECOND, burst=PER_NAMESPACE_AT_ONCE)
        self._dropped = registry.counter(
            "syncer_events_dropped_total", "Events of the pcluster that were too many to be brought up."
        )
        self.controller = Controller(
            "syncer-events", reconcile=self.reconcile, workers=2, clock=clock, registry=registry
        )

    def __len__(self) -> int:
        """How many Events wait to be written."""
        return len(self._waiting)

    def learn(self, served: Discovery) -> None:
        """Learn which resource holds objects of which kind."""
        self._kinds = {(gvr.group, each.kind): gvr.group_resource for gvr, each in served.resources.items()}

    def take(self, event: Object, cluster: str, namespace: str) -> None:
        """Have a downstream Event of an upstream namespace written."""
        key = make_key(cluster, namespace, event_name(event, key=self._identity.key))
        waiting = self._waiting.get(key)
        if waiting is not None:
            # The pcluster may have several Events of the same words; the one that it said most often counts.
            if count_of(event) >= count_of(waiting.event):
                waiting.event = event
            return
        known = key in self._written
        if len(self._waiting) >= MAX_WAITING or not (known or self._pace_of(f"{cluster}|{namespace}").take()):
            self._dropped.inc()
            return
        self._waiting[key] = _Waiting(event)
        since = self._clock.monotonic() - self._written.get(key, -REPEAT_SECONDS)
        self.controller.enqueue_after(key, max(REPEAT_SECONDS - since, 0.0))

    async def reconcile(self, key: str) -> Result | None:
        """Write one Event. Raises StatusError and TransportError."""
        waiting = self._waiting.get(key)
        if waiting is None:
            return None
        if not self._upstream.shards:
            return Result(requeue_after_seconds=_LOOK_AGAIN_SECONDS)
        cluster, namespace, _ = split_key(key)
        involved, expected = self._involved(waiting.event, cluster, namespace)
        if expected and not involved.uid and waiting.looks < _LOOKS:
            waiting.looks += 1
            return Result(requeue_after_seconds=_LOOK_AGAIN_SECONDS)
        await self._pace.wait()
        event = waiting.event
        try:
            await self._write(key, upstream_event(event, involved, key=self._identity.key))
        except (BadRequest, Forbidden, Invalid, NotFound) as error:
            # Its namespace is gone or on its way out, or the control plane would not have it like this.
            log.debug("event not brought up", key=key, error=str(error))
            self._waiting.pop(key, None)
            return None
        if waiting.event is event:
            self._waiting.pop(key, None)
            return None
        return Result(requeue_after_seconds=REPEAT_SECONDS)

    def _involved(self, event: Object, cluster: str, namespace: str) -> tuple[Involved, bool]:
        """What the Event is about upstream, and whether that is, or soon will be, known there."""
        about = event["involvedObject"]
        api_version = str(about.get("apiVersion") or "v1")
        resource = self._kinds.get((api_version.rpartition("/")[0], about["kind"]))
        object_name = upstream_name(resource, about["name"]) if resource is not None else about["name"]
        found: Object | None = None
        if resource is not None:
            key = make_key(cluster, namespace, object_name)
            found = self._upstream.get(resource, key) or self._placed.get(resource, key)
        involved = Involved(api_version, about["kind"], namespace, object_name, uid(found) if found else "")
        return involved, resource == PODS and bool(self._upstream.informers(PODS))

    async def _write(self, key: str, event: Object) -> None:
        """Create the Event, or count it once more; on the shard that has its workspace."""
        cluster, namespace, _ = split_key(key)
        refused: Forbidden | NotFound | None = None
        for shard in self._upstream.shards:
            events = shard.resource(EVENTS, cluster, namespace)
            try:
                await (self._count(events, event) if key in self._written else self._create(events, event))
            except (Forbidden, NotFound) as error:
                refused = error
            else:
                self._remember(key)
                return
        self._written.pop(key, None)
        if refused is not None:
            raise refused

    async def _create(self, events: ResourceClient, event: Object) -> None:
        try:
            await events.create(event)
        except AlreadyExists:
            await self._count(events, event)

    async def _count(self, events: ResourceClient, event: Object) -> None:
        """Have an Event that is there already say how often, and when last; it never says less than it did."""
        try:
            known = await events.get(name(event))
            if count_of(known) < event["count"]:
                patch = {"count": event["count"], "lastTimestamp": event["lastTimestamp"]}
                await events.patch(name(event), patch)
        except NotFound:
            await events.create(event)  # It had expired.

    def _remember(self, key: str) -> None:
        self._written[key] = self._clock.monotonic()
        self._written.move_to_end(key)
        while len(self._written) > MAX_KNOWN:
            self._written.popitem(last=False)

    def _pace_of(self, space: str) -> Pace:
        pace = self._paces.get(space)
        if pace is None:
            pace = Pace(self._clock, rate=PER_NAMESPACE_PER_SECOND, burst=PER_NAMESPACE_AT_ONCE)
            self._paces[space] = pace
            while len(self._paces) > _MAX_NAMESPACES:
                self._paces.popitem(last=False)
        self._paces.move_to_end(space)
        return pace
