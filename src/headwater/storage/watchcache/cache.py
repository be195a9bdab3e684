"""The watch cache of one resource: its objects in key order, its recent events, its listeners and its watchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headwater.base.packing import Packer
from headwater.storage.delivery import report_failure
from headwater.storage.errors import Compacted, FutureRevision
from headwater.storage.interface import Backend, Event, KeyValue
from headwater.storage.keys import prefix_end
from headwater.storage.sortedmap import SortedMap
from headwater.storage.watchcache.history import Batch, History, Past, key_matcher
from headwater.storage.watchcache.objects import CachedObject, CacheEvent, DecodedMemo
from headwater.storage.watchcache.progress import Progress
from headwater.storage.watchcache.splice import splice_revision
from headwater.storage.watchcache.subscription import Subscription
from headwater.storage.watchcache.window import EventWindow

_REST_PAGE = 512

Listener = Callable[[CacheEvent], None]
# `WatchCache.list` hides the builtin name inside the class
CachedObjects = list[CachedObject]
EncodedObjects = list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLimits:
    """Bounds: each cache's replay window, a watcher's backlog, the decoded objects of all caches (encoded bytes)."""

    window_events: int = 8192
    window_bytes: int = 16 << 20
    watcher_events: int = 2048
    decoded_bytes: int = 4 << 20


class WatchCache:
    """All objects under one resource prefix. Reads are synchronous; everything runs on the event loop.

    A prefix given to a method ends with a slash and means everything below it, at the cache's own prefix, a logical
    cluster or a namespace; without a slash it is one whole key.
    """

    def __init__(
        self, prefix: str, backend: Backend, *, progress: Progress, limits: CacheLimits, memo: DecodedMemo
    ) -> None:
        self.prefix = prefix
        self._backend = backend
        self._progress = progress
        self._limits = limits
        self._memo = memo
        self._objects: SortedMap[CachedObject] = SortedMap()
        self._window = EventWindow(max_events=limits.window_events, max_bytes=limits.window_bytes)
        self._past = Past(backend, prefix, self._window, memo)
        self._listeners: tuple[Listener, ...] = ()
        self._watchers: dict[str, dict[Subscription, None]] = {}
        self._early: list[Event] | None = []
        self._packer = Packer()
        self._rested = 0

    @property
    def revision(self) -> int:
        """The newest revision of the whole store that this cache reflects; writes to other resources count."""
        return self._progress.revision

    @property
    def window_start(self) -> int:
        """Watches from this revision or later are replayed from memory, older ones from the backend's history."""
        return self._window.start

    @property
    def watchers(self) -> int:
        """How many subscriptions are open."""
        return sum(map(len, self._watchers.values()))

    def get(self, key: str) -> CachedObject | None:
        """The newest state of an object, or None."""
        return self._objects.get(key)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 0) -> CachedObjects:
        """The objects below a prefix in key order, from after a key, at most `limit` (0: all)."""
        if not prefix.endswith("/"):
            found = self._objects.get(prefix)
            return [found] if found is not None and prefix > start_after else []
        low = max(prefix, start_after + "\0") if start_after else prefix
        return self._objects.values(low, prefix_end(prefix), limit)

    def values(self, prefix: str) -> EncodedObjects:
        """The encoded objects below a prefix in key order, each with its resourceVersion."""
        return [item.value for item in self.list(prefix)]

    def count(self, prefix: str, *, start_after: str = "") -> int:
        """How many objects are below a prefix, after a key."""
        if not prefix.endswith("/"):
            return len(self.list(prefix, start_after=start_after))
        return self._objects.count(max(prefix, start_after + "\0") if start_after else prefix, prefix_end(prefix))

    async def wait_for(self, revision: int, timeout: float) -> None:  # noqa: ASYNC109  it is a bound, not a cancel
        """Return as soon as this cache reflects a revision. Raises FutureRevision after `timeout` seconds."""
        await self._progress.reach(revision, timeout)

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each event, synchronously, before any watcher wakes; returns the function that ends it.

        For in-process indexes: list first, then add the listener in the same step.
        """
        entry: Listener = lambda event: listener(event)  # noqa: E731  (an identity of its own: one may be added twice)
        self._listeners = (*self._listeners, entry)

        def remove() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not entry)

        return remove

    def subscribe(self, prefix: str, since: int, *, limit: int = 0) -> Subscription:
        """Watch everything below a prefix that happens after revision `since`; `limit` bounds the backlog (0: default).

        Raises Compacted when `since` is out of the backend's history, FutureRevision when it has not happened yet (see
        `wait_for`), ValueError when the prefix isn't in this cache.
        """
        if not prefix.startswith(self.prefix):
            raise ValueError(f"prefix {prefix} is not under {self.prefix}")
        if since > self.revision:
            raise FutureRevision(since, current=self.revision)
        if since < self._window.start and since < self._backend.compacted():
            raise Compacted(self._backend.compacted(), requested=since)
        subscription = Subscription(
            prefix,
            since=since,
            limit=limit or self._limits.watcher_events,
            live_revision=self._live_revision,
            close=self._remove,
        )
        start = self._window.start
        matches = key_matcher(prefix)
        recent = [event for event in self._window.since(max(since, start)) if matches(event.object.key)]
        older = since < start
        subscription.replay(recent, History(self._past, prefix, since=since, until=start) if older else None)
        self._watchers.setdefault(prefix, {})[subscription] = None
        return subscription

    def load(self, items: Sequence[KeyValue]) -> None:
        """Take a page of the initial state, in key order; events that come meanwhile are kept aside."""
        memo = self._memo
        self._objects.extend(
            (key, CachedObject(key, splice_revision(value, revision), revision, memo))
            for key, value, _, revision in items
        )

    def loaded(self, revision: int) -> None:
        """The initial state is complete as of `revision`: apply what came after it, and go live."""
        early, self._early = self._early or (), None
        self._window.reset(revision)
        self.apply([event for event in early if event.revision > revision])

    def apply(self, events: Sequence[Event]) -> None:
        """Apply a batch of the backend's events, all below this cache's prefix, and tell listeners and watchers."""
        if self._early is not None:
            self._early.extend(events)
            return
        watchers = self._watchers
        batches: dict[str, Batch] = {}
        for event in events:
            change = self._change(event)
            if change is None:
                continue
            self._window.append(change)
            for listener in self._listeners:
                try:
                    listener(change)
                except Exception as error:  # noqa: BLE001  a listener's bug must not leave the cache half updated
                    report_failure(error)
            if watchers:
                for prefix in self._scopes(event.key):
                    if prefix in watchers:
                        batches.setdefault(prefix, []).append(change)
        for prefix, batch in batches.items():
            self._push(prefix, batch)

    def rest(self, until: int) -> Iterator[None]:
        """Let objects and events up to revision `until` rest, in steps of some ten microseconds, one for each item."""
        recent, self._rested = self._window.since(max(self._window.start, self._rested)), until
        for event in recent:
            if event.revision <= until and event.rest(self._packer):
                yield
        position = ""
        while page := self.list(self.prefix, start_after=position, limit=_REST_PAGE):
            for item in page:
                if item.revision <= until and item.rest(self._packer):
                    yield
            position = page[-1].key
            yield

    def close(self) -> None:
        """End all watches."""
        for watchers in tuple(self._watchers.values()):
            for watcher in tuple(watchers):
                watcher.close()

    def _push(self, prefix: str, batch: Batch) -> None:
        start = self._window.start
        slow = [watcher for watcher in self._watchers[prefix] if not watcher.push(batch, start)]
        for watcher in slow:
            self._remove(watcher)

    def _remove(self, watcher: Subscription) -> None:
        watchers = self._watchers.get(watcher.prefix)
        if watchers is not None:
            watchers.pop(watcher, None)
            if not watchers:
                del self._watchers[watcher.prefix]

    def _change(self, event: Event) -> CacheEvent | None:
        key, value, revision = event.key, event.value, event.revision
        if value is None:
            previous = self._objects.pop(key)
            return CacheEvent("DELETED", previous.at_revision(revision), previous) if previous is not None else None
        item = CachedObject(key, splice_revision(value, revision), revision, self._memo)
        previous = self._objects.set(key, item)
        if previous is not None:
            item.key = previous.key  # One string for all states of an object.
        return CacheEvent("ADDED" if previous is None else "MODIFIED", item, previous)

    def _scopes(self, key: str) -> Iterator[str]:
        """The prefixes that a watch of this key may have: the resource, the logical cluster, the namespace, the key."""
        at = len(self.prefix)
        while at:
            yield key[:at]
            at = key.find("/", at) + 1
        yield key

    def _live_revision(self) -> int:
        return self._progress.revision
