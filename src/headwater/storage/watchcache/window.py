"""The window of recent events that a watch cache can replay, bounded by number and by bytes."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter

from headwater.storage.watchcache.objects import CacheEvent

_revision_of = attrgetter("revision")


class EventWindow:
    """Events in order of revision; the oldest fall out. Every event after `start` is here.

    An event counts with the bytes of its object; its previous state is mostly the object of an event before it.
    """

    __slots__ = ("_bytes", "_events", "_max_bytes", "_max_events", "start")

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: deque[CacheEvent] = deque()
        self._bytes = 0
        self.start = 0

    @property
    def room(self) -> int:
        """How many more events fit in, as far as their number goes."""
        return self._max_events - len(self._events)

    def reset(self, start: int) -> None:
        """Begin empty: nothing at or before revision `start` can be replayed."""
        self._events.clear()
        self._bytes = 0
        self.start = start

    def append(self, event: CacheEvent) -> None:
        """Add the newest event, and let go of the oldest ones above the bounds."""
        events = self._events
        events.append(event)
        self._bytes += event.object.size
        while self._bytes > self._max_bytes or len(events) > self._max_events:
            oldest = events.popleft()
            self._bytes -= oldest.object.size
            self.start = oldest.revision

    def prepend(self, start: int, events: Sequence[CacheEvent]) -> bool:
        """Extend the window back to revision `start` by the events from there on, if all of them fit in."""
        size = sum(event.object.size for event in events)
        if len(self._events) + len(events) > self._max_events or self._bytes + size > self._max_bytes:
            return False
        self._events.extendleft(reversed(events))
        self._bytes += size
        self.start = start
        return True

    def since(self, revision: int) -> list[CacheEvent]:
        """The events after a revision, which must not be before `start`."""
        return list(islice(self._events, bisect_right(self._events, revision, key=_revision_of), None))
