"""Events that a watch asks for and that the cache's window no longer has: read from the backend, page by page."""

from __future__ import annotations

from collections.abc import Callable

from headwater.storage.interface import Backend, Event, KeyValue
from headwater.storage.watchcache.objects import CachedObject, CacheEvent, DecodedMemo
from headwater.storage.watchcache.splice import splice_revision

Batch = list[CacheEvent]
_PAGE = 500


class History:
    """Reads the events of a prefix in (since, until]. A read that is cancelled or fails can be repeated."""

    __slots__ = ("_backend", "_memo", "_prefix", "_since", "_until", "finished")

    def __init__(self, backend: Backend, prefix: str, *, since: int, until: int, memo: DecodedMemo) -> None:
        self._backend = backend
        self._prefix = prefix
        self._since = since
        self._until = until
        self._memo = memo
        self.finished = since >= until

    async def read(self) -> Batch:
        """The next events, maybe none; `finished` says whether they were the last. Raises Compacted."""
        events = await self._backend.events(self._prefix, self._since, limit=_PAGE)
        self.finished = len(events) < _PAGE or events[-1].revision >= self._until
        if events:
            self._since = events[-1].revision
        matches = key_matcher(self._prefix)
        return [self._change(event) for event in events if event.revision <= self._until and matches(event.key)]

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


def key_matcher(prefix: str) -> Callable[[str], bool]:
    """Whether a key is meant by a prefix: below it when it ends with a slash, else the key itself."""
    if prefix.endswith("/"):
        return lambda key: key.startswith(prefix)
    return lambda key: key == prefix
