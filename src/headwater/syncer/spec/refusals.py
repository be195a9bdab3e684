"""Tells upstream when the pcluster refuses an object, and when it takes it again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import sync_failure_annotation
from headwater.base.clock import Clock
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, name, namespace, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.identity import item_of
from headwater.syncer.mutate.names import downstream_name
from headwater.syncer.spec.place import Place
from headwater.syncer.spec.wording import MAX_LENGTH, refusal_text, told_as
from headwater.syncer.upstream import Upstream
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

PAUSE_SECONDS: Final = 30.0
"""Other words about the same object are told this long after the last ones."""
_PATIENCE: Final = 3
"""So many failures in a row make one news that may go away by itself, such as an overloaded API server."""
_FINAL_CODES: Final = frozenset({400, 403, 413, 422})
_MAX_KNOWN: Final = 8192

log = get_logger("syncer.refusals")


@dataclass(slots=True)
class Trouble:
    """What the pcluster did not take, and when that was told last."""

    failures: int = 0
    told_at: float | None = None

    def is_news(self, code: int) -> bool:
        """Count an answer with this HTTP status; says whether it is to be told."""
        self.failures += 1
        return code in _FINAL_CODES or self.failures >= _PATIENCE

    def may_tell(self, text: str, told: str | None, now: float) -> bool:
        """Whether to tell this, where ``told`` stands now; if so, it counts as told."""
        early = self.told_at is not None and now - self.told_at < PAUSE_SECONDS
        if told == text or early:
            return False
        self.told_at = now
        return True


class Refusals:
    """Keeps an annotation on upstream objects while the pcluster refuses them; the control plane makes it an Event.

    It goes the way of every other write, through the virtual workspace, and can be about placed objects only.
    """

    def __init__(self, upstream: Upstream, *, key: str, clock: Clock, registry: Registry) -> None:
        self._upstream = upstream
        self._note = sync_failure_annotation(key)
        self._clock = clock
        self._troubles: OrderedDict[str, Trouble] = OrderedDict()
        self._count = registry.counter(
            "syncer_refusals_total", "Writes that the pcluster refused, by HTTP status.", ("code",)
        )

    async def refused(
        self, resource: GroupResource, key: str, seen: Object, place: Place, error: StatusError
    ) -> StatusError:
        """The pcluster answered ``error`` to a write for the upstream object ``seen``; what may be logged of that."""
        self._count.labels(str(error.code)).inc()
        meta = {**seen["metadata"], "name": downstream_name(resource, name(seen)), "namespace": place.namespace}
        applied = {**{field: value for field, value in seen.items() if field != "status"}, "metadata": meta}
        text = refusal_text(error, applied, resource, namespace(seen))
        if self._trouble(item_of(resource, key)).is_news(error.code):
            await self._tell(resource, key, seen, text)
        return told_as(error, text)

    async def collided(self, resource: GroupResource, key: str, seen: Object) -> None:
        """The pcluster has something else of the same name; whose it is, is no business of the tenant."""
        await self._tell(resource, key, seen, "NameCollision: the pcluster has something else of this name")

    async def waits(self, resource: GroupResource, key: str, seen: Object, text: str) -> None:
        """The object has not gone down yet, and it is not the pcluster that refuses it."""
        await self._tell(resource, key, seen, text[:MAX_LENGTH])

    async def taken(self, resource: GroupResource, key: str, seen: Object) -> None:
        """The pcluster has the object as it should be."""
        self._troubles.pop(item_of(resource, key), None)
        if self._note in annotations_of(seen):
            await self._write(resource, key, seen, None)

    def _trouble(self, item: str) -> Trouble:
        trouble = self._troubles.setdefault(item, Trouble())
        self._troubles.move_to_end(item)
        while len(self._troubles) > _MAX_KNOWN:
            self._troubles.popitem(last=False)
        return trouble

    async def _tell(self, resource: GroupResource, key: str, seen: Object, text: str) -> None:
        told, now = annotations_of(seen).get(self._note), self._clock.monotonic()
        if self._trouble(item_of(resource, key)).may_tell(text, told, now):
            await self._write(resource, key, seen, text)

    async def _write(self, resource: GroupResource, key: str, seen: Object, text: str | None) -> None:
        """Nothing depends on it: a failure is left to the next time."""
        patch: Object = {"metadata": {"uid": uid(seen), "annotations": {self._note: text}}}
        try:
            await self._upstream.resource(resource, key).patch(name(seen), patch)
        except (StatusError, TransportError, LookupError) as error:
            log.debug("refusal was not reported", upstream=f"{resource} {key}", error=str(error))
