"""Events: what a controller has to tell people about an object, each message once with a count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock
from headwater.base.hashing import base36_sha224
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import AlreadyExists, NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, namespace, resource_version, uid
from headwater.machinery.timestamps import format_time
from headwater.telemetry.logging import get_logger

EVENTS: Final = GroupVersionResource("", "v1", "events")
_MAX_WAITING: Final = 10_000
_MAX_MESSAGE: Final = 1024

log = get_logger("controller.events")


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell: about which object, a CamelCase reason, a sentence, and whether it is a warning."""

    obj: Object
    reason: str
    message: str
    warning: bool = False


def event_of(notice: Notice, component: str, now: str) -> Object:
    """The Event object; its name is the same for the same words about the same object."""
    obj, message = notice.obj, notice.message[:_MAX_MESSAGE]
    digest = base36_sha224(f"{uid(obj)}/{notice.reason}/{message}")[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name(obj)}.{digest}", "namespace": namespace(obj) or "default"},
        "involvedObject": {
            "apiVersion": obj.get("apiVersion", "v1"),
            "kind": obj.get("kind", ""),
            "name": name(obj),
            "namespace": namespace(obj),
            "uid": uid(obj),
            "resourceVersion": resource_version(obj),
        },
        "reason": notice.reason,
        "message": message,
        "type": "Warning" if notice.warning else "Normal",
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


class EventWriter:
    """Writes Events. One that can't be written is logged and let go: nothing may depend on it."""

    def __init__(self, client_of: Callable[[Object], Client], *, clock: Clock) -> None:
        self._client_of = client_of
        self._clock = clock

    async def write(self, notice: Notice, component: str) -> None:
        """Create the Event, or count it once more if there is one of the same words already."""
        event = event_of(notice, component, format_time(self._clock.now()))
        events = self._client_of(notice.obj).resource(EVENTS, event["metadata"]["namespace"])
        try:
            await events.create(event)
        except AlreadyExists:
            await self._count(events, event)
        except (StatusError, TransportError) as error:
            log.debug("event was not written", reason=notice.reason, error=str(error))

    async def _count(self, events: ResourceClient, event: Object) -> None:
        try:
            known = await events.get(name(event))
            patch = {
                "metadata": {"resourceVersion": resource_version(known)},
                "count": int(known.get("count") or 1) + 1,
                "lastTimestamp": event["lastTimestamp"],
            }
            await events.patch(name(event), patch)
        except (StatusError, TransportError) as error:
            log.debug("event was not counted", event=name(event), error=str(error), gone=isinstance(error, NotFound))


class EventRecorder:
    """Takes notices at once and writes them one after the other, so that no reconcile waits for an Event.

    At most 10,000 wait; what comes beyond is dropped and counted in the log.
    """

    def __init__(self, client_of: Callable[[str], Client], *, component: str, clock: Clock) -> None:
        self._writer = EventWriter(lambda obj: client_of(cluster_name(obj)), clock=clock)
        self._component = component
        self._waiting: asyncio.Queue[Notice] = asyncio.Queue(_MAX_WAITING)
        self._dropped = 0

    def record(self, notice: Notice) -> None:
        """Have an Event written soon."""
        try:
            self._waiting.put_nowait(notice)
        except asyncio.QueueFull:
            self._dropped += 1

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._writer.write(await self._waiting.get(), self._component)
            if self._dropped and self._waiting.empty():
                log.warning("events were dropped", count=self._dropped)
                self._dropped = 0
