"""A queue of keys: a key waits in it at most once, and is never worked on twice at the same time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.workqueue.metrics import QueueMetrics
from headwater.client.workqueue.ratelimit import RateLimiter
from headwater.telemetry.metrics import Registry


class QueueClosed(Exception):
    """The queue was shut down and holds no more keys."""


class WorkQueue:
    """Keys to work on, with client-go's semantics.

    A key added while it waits is not added again; added while it is being worked on it comes back once `done` is
    called. `add_after` and what retries need `run` to be running. All methods are for the event loop's thread.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        rate_limiter: RateLimiter | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._limiter = rate_limiter or RateLimiter(self._clock)
        self._ready: deque[str] = deque()
        self._dirty: set[str] = set()
        self._processing: set[str] = set()
        self._getters: deque[asyncio.Future[None]] = deque()
        self._delayed: list[tuple[float, int, str]] = []
        self._due: dict[str, float] = {}
        self._order = itertools.count()
        self._sooner = asyncio.Event()
        self._closed = False
        self._metrics = QueueMetrics(name, self._clock, registry or Registry())

    def __len__(self) -> int:
        """Keys that wait to be worked on now."""
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """True while nothing waits, is worked on, or will come back later."""
        return not self._ready and not self._processing and not self._due

    @property
    def closed(self) -> bool:
        """True after `shut_down`."""
        return self._closed

    def add(self, key: str) -> None:
        """Have a key worked on, unless it waits already."""
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        self._metrics.added(key)
        if key not in self._processing:
            self._push(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Add a key after a delay; of several delays for one key the shortest counts."""
        if self._closed:
            return
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        heapq.heappush(self._delayed, (due, next(self._order), key))
        if self._delayed[0][2] == key:
            self._sooner.set()

    def add_rate_limited(self, key: str) -> None:
        """Add a key that failed, after its back-off."""
        self._metrics.retried()
        self.add_after(key, self._limiter.when(key))

    def add_unanswered(self, key: str) -> None:
        """Add a key that failed since no server answered, after a back-off that stays short."""
        self._metrics.retried()
        self.add_after(key, self._limiter.when_unanswered(key))

    def forget(self, key: str) -> None:
        """Forget the failures of a key."""
        self._limiter.forget(key)

    def failures(self, key: str) -> int:
        """Failures of a key since it was last forgotten."""
        return self._limiter.failures(key)

    async def get(self) -> str:
        """The next key; call `done` with it afterwards. Raises QueueClosed after `shut_down`."""
        while not self._ready:
            if self._closed:
                raise QueueClosed(self.name)
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake_one()
                elif getter in self._getters:
                    self._getters.remove(getter)
                raise
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        self._metrics.depth(len(self._ready))
        self._metrics.started(key)
        return key

    def done(self, key: str) -> None:
        """Work on a key has ended; it goes back into the queue if it was added meanwhile."""
        self._processing.discard(key)
        self._metrics.finished(key)
        if key in self._dirty:
            self._push(key)

    def shut_down(self) -> None:
        """Take no more keys, and end all `get` calls once the queue is empty."""
        self._closed = True
        self._due.clear()
        self._delayed.clear()
        self._sooner.set()
        for getter in self._getters:
            if not getter.done():
                getter.set_result(None)
        self._getters.clear()

    async def run(self) -> None:
        """Move delayed keys into the queue when they are due, until `shut_down`."""
        async with TaskGroup(f"workqueue {self.name}") as group:
            timer: asyncio.Task[None] | None = None
            while not self._closed:
                if timer is not None:
                    timer.cancel()
                timer = None
                due = self._release_due()
                if due is not None:
                    timer = group.start(self._ring(due), name="timer")
                await self._sooner.wait()
                self._sooner.clear()
            group.cancel()

    async def _ring(self, due: float) -> None:
        # Counted here, as the clock may have moved on before this task began.
        await self._clock.sleep(due - self._clock.monotonic())
        self._sooner.set()

    def _release_due(self) -> float | None:
        """Add the keys that are due; when the next one is, by the monotonic clock, None when there is none."""
        while self._delayed:
            due, _, key = self._delayed[0]
            if self._due.get(key) != due:
                heapq.heappop(self._delayed)
                continue
            if due > self._clock.monotonic():
                return due
            heapq.heappop(self._delayed)
            del self._due[key]
            self.add(key)
        return None

    def _push(self, key: str) -> None:
        self._ready.append(key)
        self._metrics.depth(len(self._ready))
        self._wake_one()

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
