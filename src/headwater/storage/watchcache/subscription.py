"""One watcher's stream of events: replay first, then live batches, cut off when it does not keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from headwater.storage.errors import SlowWatcher, StorageError
from headwater.storage.watchcache.history import Batch, History


class Subscription:
    """An async iterator of batches of events in order of revision. A batch is shared between watchers: read only.

    It ends when closed, and raises SlowWatcher after the watcher was cut off, or Compacted when the history that it
    asked for is gone. What was waiting when it was cut off is dropped: watch again from the last revision seen. To
    cancel a wait for the next batch loses nothing.
    """

    __slots__ = (
        "_close",
        "_error",
        "_history",
        "_limit",
        "_live_revision",
        "_pending",
        "_seen",
        "_waiter",
        "_waiting",
        "prefix",
    )

    def __init__(
        self,
        prefix: str,
        *,
        since: int,
        limit: int,
        live_revision: Callable[[], int],
        close: Callable[[Subscription], None],
    ) -> None:
        self.prefix = prefix
        self._seen = since
        self._limit = limit
        self._live_revision = live_revision
        self._close: Callable[[Subscription], None] | None = close
        self._history: History | None = None
        self._pending: deque[Batch] = deque()
        self._waiting = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: StorageError | None = None

    @property
    def revision(self) -> int:
        """Everything up to this revision has been handed to the consumer: what a bookmark may say."""
        if self._pending or self._history is not None or self._close is None:
            return self._seen
        return max(self._seen, self._live_revision())

    @property
    def closed(self) -> bool:
        """Whether it was closed or cut off."""
        return self._close is None

    def replay(self, events: Batch, history: History | None = None) -> None:
        """Give it what happened before now: `history` is read from the backend first, then `events` come."""
        self._history = history
        if events:
            self._pending.append(events)

    def push(self, batch: Batch, window_start: int) -> bool:
        """Add a live batch and wake the consumer. False when it was too slow and is cut off now.

        A batch above the limit is fine for a consumer that has nothing waiting. One whose oldest waiting event has left
        the window is too slow whatever its limit, so that the window's bytes bound what all watchers together hold.
        """
        if self._waiting and (self._waiting + len(batch) > self._limit or self._pending[0][0].revision <= window_start):
            self._error = SlowWatcher(window_start, waiting=self._waiting)
            self._end()
            return False
        self._pending.append(batch)
        self._waiting += len(batch)
        self._wake()
        return True

    def close(self) -> None:
        """Stop: a waiting consumer's iteration ends. Harmless when repeated."""
        close = self._close
        if close is not None:
            self._end()
            close(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        while True:
            batch: Batch | None
            if self._history is not None:
                batch = await self._read_history(self._history)
            else:
                batch = self._take()
            if batch:
                self._seen = batch[-1].revision
                return batch
            if self._error is not None:
                raise self._error
            if self._close is None:
                raise StopAsyncIteration
            if self._history is None and not self._pending:
                await self._wait()

    async def _read_history(self, history: History) -> Batch:
        try:
            batch = await history.read()
        except StorageError:
            self.close()
            raise
        if history.finished:
            self._history = None
        return batch

    def _take(self) -> Batch | None:
        pending = self._pending
        if not pending:
            return None
        self._waiting = 0
        if len(pending) == 1:
            return pending.popleft()
        batch = [event for part in pending for event in part]
        pending.clear()
        return batch

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self) -> None:
        self._close = None
        self._history = None
        self._pending.clear()
        self._waiting = 0
        self._wake()
