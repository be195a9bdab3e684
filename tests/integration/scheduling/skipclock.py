"""A clock that runs like the machine's, and that tests can move forward."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SkipClock:
    """Real time plus what was skipped; whoever sleeps over a skipped span wakes at once."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        due = self.monotonic() + max(seconds, 0.0)
        while True:
            moved = self._moved
            left = due - self.monotonic()
            if left <= 0:
                await asyncio.sleep(0)
                return
            try:
                async with asyncio.timeout(left):
                    await moved.wait()
            except TimeoutError:
                continue

    def skip(self, seconds: float) -> None:
        """Move time forward."""
        self._skipped += seconds
        self._moved.set()
        self._moved = asyncio.Event()
