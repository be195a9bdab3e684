"""How far the caches of a set have come, and who waits for them to come further."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

from headwater.storage.errors import FutureRevision


class Progress:
    """The newest revision that a set of caches has applied; in one place, as any write moves every cache forward."""

    __slots__ = ("_order", "_waiters", "revision")

    def __init__(self) -> None:
        self.revision = 0
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def advance(self, revision: int) -> None:
        """Move forward and wake those who waited for it."""
        self.revision = max(self.revision, revision)
        while self._waiters and self._waiters[0][0] <= self.revision:
            waiter = heapq.heappop(self._waiters)[2]
            if not waiter.done():
                waiter.set_result(None)

    async def reach(self, revision: int, seconds: float | None = None) -> None:
        """Return as soon as `revision` is reached. Raises FutureRevision when that takes longer than `seconds`."""
        if revision <= self.revision:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (revision, next(self._order), waiter))
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            raise FutureRevision(revision, current=self.revision) from None
        finally:
            if not waiter.done() or waiter.cancelled():
                self._waiters = [entry for entry in self._waiters if entry[2] is not waiter]
                heapq.heapify(self._waiters)
