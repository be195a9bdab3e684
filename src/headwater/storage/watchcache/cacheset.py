"""All watch caches of a server: one subscription to the backend, one cache per resource prefix, loaded on first use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.base.clock import Clock
from headwater.base.slices import in_slices
from headwater.storage.errors import Compacted
from headwater.storage.interface import Backend, Event
from headwater.storage.keys import resource_prefix_of
from headwater.storage.watchcache.cache import CacheLimits, WatchCache
from headwater.storage.watchcache.objects import DecodedMemo
from headwater.storage.watchcache.progress import Progress

_LOAD_PAGE = 1000
_REST_SECONDS = 2.0


class CacheSet:
    """Hands out watch caches and keeps them current. Create it before or after the backend is opened, use it after."""

    def __init__(self, backend: Backend, *, limits: CacheLimits | None = None) -> None:
        self._backend = backend
        self._limits = limits or CacheLimits()
        self._memo = DecodedMemo(self._limits.decoded_bytes)
        self._progress = Progress()
        self._caches: dict[str, WatchCache] = {}
        self._ready: dict[str, WatchCache] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._unsubscribe = backend.subscribe(self._on_events)

    @property
    def revision(self) -> int:
        """The newest revision that every cache of this set reflects."""
        return self._progress.revision or self._backend.revision()

    def loaded(self, prefix: str) -> WatchCache | None:
        """The cache of a resource prefix if it is loaded already."""
        return self._ready.get(prefix)

    async def cache(self, prefix: str) -> WatchCache:
        """The cache of a resource prefix (`/<group>/<resource>/<identity>/`), read from the backend on first use.

        Raises StorageUnavailable or CorruptStore when that read fails; the next call tries again.
        """
        ready = self._ready.get(prefix)
        if ready is not None:
            return ready
        if not prefix or resource_prefix_of(prefix) != prefix:
            raise ValueError(f"not a resource prefix: {prefix!r}")
        async with self._loading.setdefault(prefix, asyncio.Lock()):
            if prefix not in self._ready:
                self._ready[prefix] = await self._load(prefix)
            return self._ready[prefix]

    async def wait_for(self, revision: int, timeout: float) -> None:  # noqa: ASYNC109  it is a bound, not a cancel
        """Return as soon as the caches reflect a revision. Raises FutureRevision after `timeout` seconds."""
        self._progress.advance(self.revision)
        await self._progress.reach(revision, timeout)

    async def rest(self, clock: Clock) -> None:
        """Until cancelled, let what was not written for a while take little memory; leaves the loop to others mostly.

        What is read again in the meantime wakes, and rests again at the next turn, which then costs nothing.
        """
        while True:
            revision = self.revision
            await clock.sleep(_REST_SECONDS)
            for cache in tuple(self._ready.values()):
                await in_slices(cache.rest(revision), clock)

    def close(self) -> None:
        """Stop following the backend and end all watches."""
        self._unsubscribe()
        for cache in self._caches.values():
            cache.close()

    async def _load(self, prefix: str) -> WatchCache:
        while True:
            self._progress.advance(self.revision)
            cache = WatchCache(prefix, self._backend, progress=self._progress, limits=self._limits, memo=self._memo)
            self._caches[prefix] = cache
            try:
                revision = await self._read(cache)
                await self._progress.reach(revision)
            except Compacted:
                continue  # writes overtook a long read: start it again
            except BaseException:
                del self._caches[prefix]
                raise
            cache.loaded(revision)
            return cache

    async def _read(self, cache: WatchCache) -> int:
        page = await self._backend.range(cache.prefix, limit=_LOAD_PAGE)
        cache.load(page.items)
        while page.more:
            page = await self._backend.range(
                cache.prefix, start_after=page.items[-1].key, limit=_LOAD_PAGE, revision=page.revision
            )
            cache.load(page.items)
        return page.revision

    def _on_events(self, events: Sequence[Event]) -> None:
        caches = self._caches
        routed: dict[str, list[Event]] = {}
        prefix = "\0"
        for event in events:
            if not event.key.startswith(prefix):
                prefix = resource_prefix_of(event.key) or "\0"
            if prefix in caches:
                routed.setdefault(prefix, []).append(event)
        for prefix, batch in routed.items():
            caches[prefix].apply(batch)
        self._progress.advance(events[-1].revision)
