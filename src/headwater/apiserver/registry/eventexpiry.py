"""Events live for an hour after their last write, as on any Kubernetes server."""

from __future__ import annotations

from collections import OrderedDict

from headwater.base.clock import Clock
from headwater.machinery.watch import DELETED
from headwater.storage.interface import Backend, KeyNotFound, RevisionMismatch, StorageUnavailable
from headwater.storage.watchcache import CachedObject, CacheEvent, CacheSet
from headwater.telemetry.logging import get_logger

EVENTS_PREFIX = "/core/events/-/"
KEEP_SECONDS = 3600.0
SWEEP_SECONDS = 30.0

_log = get_logger("apiserver")


class EventExpiry:
    """Deletes old events of all logical clusters. After a restart the hour of each event begins anew."""

    def __init__(
        self,
        backend: Backend,
        caches: CacheSet,
        clock: Clock,
        *,
        keep_seconds: float = KEEP_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._backend = backend
        self._caches = caches
        self._clock = clock
        self._keep = keep_seconds
        self._sweep_every = sweep_seconds
        # In order of expiry: a write moves its event to the end.
        self._waiting: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def run(self) -> None:
        """Runs until it is cancelled."""
        cache = await self._caches.cache(EVENTS_PREFIX)
        for item in cache.list(EVENTS_PREFIX):
            self._note(item)
        forget = cache.add_listener(self._changed)
        try:
            while True:
                await self._clock.sleep(self._sweep_every)
                try:
                    await self.sweep()
                except StorageUnavailable as error:
                    _log.warning("old events can't be deleted now", cause=str(error))
        finally:
            forget()

    async def sweep(self) -> int:
        """Deletes what is due now; answers how many."""
        now, gone = self._clock.monotonic(), 0
        while self._waiting:
            key, (due, revision) = next(iter(self._waiting.items()))
            if due > now:
                break
            try:
                await self._backend.delete(key, expected=revision)
                gone += 1
            except (RevisionMismatch, KeyNotFound):
                # Written or deleted in this very moment: the cache's event sorts it in anew.
                pass
            if self._waiting.get(key) == (due, revision):
                del self._waiting[key]
        return gone

    def _changed(self, event: CacheEvent) -> None:
        if event.type == DELETED:
            self._waiting.pop(event.object.key, None)
        else:
            self._note(event.object)

    def _note(self, item: CachedObject) -> None:
        self._waiting[item.key] = (self._clock.monotonic() + self._keep, item.revision)
        self._waiting.move_to_end(item.key)
