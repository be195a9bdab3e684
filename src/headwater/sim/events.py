"""Events of a simulated pcluster: what its controllers have to tell, each message once with a count."""

from __future__ import annotations

from headwater.base.clock import Clock
from headwater.base.hashing import base36_sha224
from headwater.client.dynamic import Client
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import AlreadyExists, NotFound, StatusError
from headwater.machinery.objects import Object, name, namespace, resource_version, uid
from headwater.machinery.timestamps import format_time
from headwater.sim.changes import Emit
from headwater.sim.resources import EVENTS
from headwater.telemetry.logging import get_logger

log = get_logger("sim.events")


class EventWriter:
    """Writes Events. One that can't be written is logged and let go: nothing may depend on it."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def emit(self, change: Emit) -> None:
        """Create the Event, or count it once more if there is one of the same words already."""
        space = namespace(change.obj) or "default"
        event = event_of(change, format_time(self._clock.now()))
        events = self._client.resource(EVENTS, space)
        try:
            await events.create(event)
        except AlreadyExists:
            await self._count(events, event)
        except StatusError as error:
            log.debug("event was not written", reason=change.reason, error=str(error))

    async def _count(self, events: ResourceClient, event: Object) -> None:
        try:
            known = await events.get(name(event))
            patch = {
                "metadata": {"resourceVersion": resource_version(known)},
                "count": int(known.get("count") or 1) + 1,
                "lastTimestamp": event["lastTimestamp"],
            }
            await events.patch(name(event), patch)
        except StatusError as error:
            log.debug("event was not counted", event=name(event), error=str(error), gone=isinstance(error, NotFound))


def event_of(change: Emit, now: str) -> Object:
    """The Event object; its name is the same for the same words about the same object."""
    obj = change.obj
    digest = base36_sha224(f"{uid(obj)}/{change.reason}/{change.message}")[:16]
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
        "reason": change.reason,
        "message": change.message,
        "type": "Warning" if change.warning else "Normal",
        "source": {"component": change.component},
        "reportingComponent": change.component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
