"""Events that a watch asks for and that the cache's window no longer has: read from the backend.

After a restart every client comes back with a revision from before it. Their events are read once per resource, into
the window, and shared; only what does not fit there is read for one watcher alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headwater.storage.interface import Backend, Event, KeyValue
from headwater.storage.watchcache.objects import CachedObject, CacheEvent, DecodedMemo
from headwater.storage.watchcache.splice import splice_revision
from headwater.storage.watchcache.window import EventWindow

Batch = list[CacheEvent]
_PAGE = 500


class Past:
    """The past of one cache: its window, and the backend's history before that."""

    def __init__(self, backend: Backend, prefix: str, window: EventWindow, memo: DecodedMemo) -> None:
        self._backend = backend
        self._prefix = prefix
        self._window = window
        self._memo = memo
        self._extending = asyncio.Lock()
        self._out_of_reach = -1

    async def recent(self, since: int) -> Batch | None:
        """All events of the cache after a revision, from the window, extended if needed; None when they don't fit."""
        window = self._window
        if since >= window.start:
            return window.since(since)
        async with self._extending:
            if since < window.start and (since <= self._out_of_reach or not await self._extend(since)):
                self._out_of_reach = max(self._out_of_reach, since)
                return None
            return window.since(since)

    async def page(self, prefix: str, since: int) -> tuple[Batch, int | None]:
        """A page of events under a prefix after a revision, and where the next page begins, None after the last."""
        events = await self._backend.events(prefix, since, limit=_PAGE)
        return list(map(self._change, events)), events[-1].revision if len(events) == _PAGE else None

    async def _extend(self, since: int) -> bool:
        start, room = self._window.start, self._window.room
        events = await self._backend.events(self._prefix, since, limit=room + 1)
        missing = [event for event in events if event.revision <= start]
        if len(missing) > room or self._window.start != start:
            return False
        return self._window.prepend(since, list(map(self._change, missing)))

    def _change(self, event: Event) -> CacheEvent:
        previous = self._object(event.previous) if event.previous is not None else None
        if event.value is None:
            assert previous is not None, "a deletion has a state before it"
            return CacheEvent("DELETED", previous.at_revision(event.revision), previous)
        item = self._object(KeyValue(event.key, event.value, event.create_revision, event.revision))
        return CacheEvent("ADDED" if previous is None else "MODIFIED", item, previous)

    def _object(self, state: KeyValue) -> CachedObject:
        value = splice_revision(state.value, state.mod_revision)
        return CachedObject(state.key, value, state.mod_revision, self._memo)


class History:
    """One watcher's way through the past: the events of a prefix in (since, until].

    A read that is cancelled or fails can be repeated.
    """

    __slots__ = ("_alone", "_past", "_prefix", "_since", "_until", "finished")

    def __init__(self, past: Past, prefix: str, *, since: int, until: int) -> None:
        self._past = past
        self._prefix = prefix
        self._since = since
        self._until = until
        self._alone = False
        self.finished = False

    async def read(self) -> Batch:
        """The next events, maybe none; `finished` says whether they were the last. Raises Compacted."""
        events = None if self._alone else await self._past.recent(self._since)
        following: int | None = None
        if events is None:
            self._alone = True
            events, following = await self._past.page(self._prefix, self._since)
        self.finished = following is None or following >= self._until
        self._since = following or self._since
        matches = key_matcher(self._prefix)
        return [event for event in events if event.revision <= self._until and matches(event.object.key)]


def key_matcher(prefix: str) -> Callable[[str], bool]:
    """Whether a key is meant by a prefix: below it when it ends with a slash, else the key itself."""
    if prefix.endswith("/"):
        return lambda key: key.startswith(prefix)
    return lambda key: key == prefix
