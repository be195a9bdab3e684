"""The window of recent events that a watch cache can replay, bounded by number and by bytes."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from headwater.storage.watchcache.objects import CacheEvent

_revision_of = attrgetter("revision")


class EventWindow:
    """Events in order of revision; the oldest fall out. Every event after `start` is here."""

    __slots__ = ("_bytes", "_events", "_head", "_max_bytes", "_max_events", "start")

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: list[CacheEvent] = []
        self._head = 0
        self._bytes = 0
        self.start = 0

    def __len__(self) -> int:
        return len(self._events) - self._head

    def reset(self, start: int) -> None:
        """Begin empty: nothing at or before revision `start` can be replayed."""
        self._events, self._head, self._bytes, self.start = [], 0, 0, start

    def append(self, event: CacheEvent) -> None:
        """Add the newest event, and let go of the oldest ones above the bounds."""
        events = self._events
        events.append(event)
        self._bytes += _size(event)
        while self._bytes > self._max_bytes or len(events) - self._head > self._max_events:
            oldest = events[self._head]
            self._head += 1
            self._bytes -= _size(oldest)
            self.start = oldest.revision
        if self._head * 2 > len(events):
            del events[: self._head]
            self._head = 0

    def since(self, revision: int) -> list[CacheEvent]:
        """The events after a revision, which must not be before `start`."""
        return self._events[bisect_right(self._events, revision, lo=self._head, key=_revision_of) :]


def _size(event: CacheEvent) -> int:
    return len(event.object.value) + (len(event.previous.value) if event.previous else 0)
