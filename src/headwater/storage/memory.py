"""The backend that keeps everything in memory: for tests, simulated clusters and throw-away control planes."""

from __future__ import annotations

from collections.abc import Callable

from headwater.base.clock import Clock, SystemClock
from headwater.storage.delivery import Subscribers
from headwater.storage.interface import (
    Compacted,
    Event,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    KeyValue,
    Listener,
    RangeResult,
    RevisionMismatch,
    StoreClosed,
)
from headwater.storage.keys import prefix_end
from headwater.storage.retention import Retention, RetentionClock
from headwater.storage.sortedmap import SortedMap

_SWEEP_STEP = 64


class MemoryBackend:
    """A `Backend` without durability. Writes are applied and delivered before the call first yields."""

    def __init__(self, *, retention: Retention | None = None, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._retention = RetentionClock(retention or Retention(), now=self._clock.monotonic(), revision=0)
        self._current: SortedMap[KeyValue] = SortedMap()
        self._log: dict[int, Event] = {}
        self._subscribers = Subscribers()
        self._revision = 0
        self._compacted = 0
        self._swept = 0
        self._open = False

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    def revision(self) -> int:
        return self._revision

    def compacted(self) -> int:
        return self._compacted

    def failure(self) -> str | None:
        return None if self._open else str(StoreClosed())

    async def get(self, key: str) -> KeyValue | None:
        self._require_open()
        return self._current.get(key)

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        self._require_open()
        at = self._readable(revision)
        low = max(prefix, start_after + "\0") if start_after else prefix
        high = prefix_end(prefix)
        if at == self._revision:
            items = self._current.values(low, high, limit)
            remaining = self._current.count(low, high) - len(items)
        else:
            past = self._past(low, high, at)
            items = past[:limit] if limit else past
            remaining = len(past) - len(items)
        return RangeResult(items, at, remaining > 0, remaining)

    async def put(self, key: str, value: bytes, *, expected: int | None) -> int:
        previous = self._check(key, expected)
        revision = self._revision + 1
        created = previous.create_revision if previous else revision
        self._current.set(key, KeyValue(key, value, created, revision))
        self._commit(Event("put", key, value, revision, created), previous)
        return revision

    async def delete(self, key: str, *, expected: int | None) -> int:
        previous = self._check(key, expected)
        if previous is None:
            raise KeyNotFound(key)
        self._current.pop(key)
        self._commit(Event("delete", key, None, self._revision + 1, previous.create_revision), previous)
        return self._revision

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return self._subscribers.add(listener)

    async def events(self, prefix: str, since: int, *, limit: int = 0) -> list[Event]:
        self._require_open()
        if since < self._compacted:
            raise Compacted(self._compacted, requested=since)
        found: list[Event] = []
        for revision in range(since + 1, self._revision + 1):
            event = self._log[revision]
            if event.key.startswith(prefix):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    async def compact(self, revision: int) -> None:
        self._require_open()
        if revision > self._revision:
            raise FutureRevision(revision, current=self._revision)
        self._compacted = max(self._compacted, revision)
        self._sweep(self._compacted - self._swept)

    def _check(self, key: str, expected: int | None) -> KeyValue | None:
        self._require_open()
        current = self._current.get(key)
        if expected is None:
            return current
        if current is None:
            if expected:
                raise KeyNotFound(key)
        elif expected == 0:
            raise KeyExists(key, current.mod_revision)
        elif expected != current.mod_revision:
            raise RevisionMismatch(key, expected=expected, actual=current.mod_revision)
        return current

    def _commit(self, event: Event, previous: KeyValue | None) -> None:
        self._revision = event.revision
        self._log[event.revision] = event._replace(previous=previous)
        now = self._clock.monotonic()
        self._retention.observe(event.revision, now)
        self._compacted = max(self._compacted, self._retention.horizon(event.revision, now))
        self._sweep(_SWEEP_STEP)
        self._subscribers.deliver((event,))

    def _sweep(self, steps: int) -> None:
        """Drop at most `steps` compacted events: a few with each write, so that no write pays for a compaction."""
        end = min(self._compacted, self._swept + steps)
        for revision in range(self._swept + 1, end + 1):
            del self._log[revision]
        self._swept = end

    def _past(self, low: str, high: str | None, at: int) -> list[KeyValue]:
        """The keys in [low, high) as they were at a past revision: the present, with what happened since taken back."""
        states: dict[str, KeyValue | None] = {
            item.key: item for item in self._current.values(low, high) if item.mod_revision <= at
        }
        for revision in range(at + 1, self._revision + 1):
            event = self._log[revision]
            if event.key >= low and (high is None or event.key < high):
                states.setdefault(event.key, event.previous)
        return sorted(item for item in states.values() if item is not None)

    def _readable(self, revision: int) -> int:
        if revision > self._revision:
            raise FutureRevision(revision, current=self._revision)
        if revision and revision < self._compacted:
            raise Compacted(self._compacted, requested=revision)
        return revision or self._revision

    def _require_open(self) -> None:
        if not self._open:
            raise StoreClosed
