"""Asks again, while something goes on for long, whether it still may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock
from headwater.machinery.errors import Forbidden, NotFound, StatusError, Unauthorized
from headwater.telemetry.logging import get_logger

log = get_logger("tunnels")

RECHECK_SECONDS: Final = 5.0
_CHECK_SECONDS: Final = 5.0
_REFUSALS: Final = (Unauthorized, Forbidden, NotFound)


@dataclass(eq=False, frozen=True, slots=True)
class _Entry:
    check: Callable[[], Awaitable[None]]
    end: Callable[[str], None]


class Rechecks:
    """Everything that is looked at again, in turn. Only a refusal ends something, not a failure to find out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[_Entry, None] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, check: Callable[[], Awaitable[None]], end: Callable[[str], None]) -> Callable[[], None]:
        """Call `end` with a reason once `check` raises a refusal; answers what stops looking."""
        entry = _Entry(check, end)
        self._entries[entry] = None
        return lambda: self._entries.pop(entry, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(RECHECK_SECONDS)
            for entry in tuple(self._entries):
                if entry in self._entries:
                    await self._look(entry)
                    # Looking may wait for nothing, and there may be thousands.
                    await asyncio.sleep(0)

    async def _look(self, entry: _Entry) -> None:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await entry.check()
        except _REFUSALS as error:
            self._entries.pop(entry, None)
            log.info("access was withdrawn", reason=str(error))
            entry.end("access was withdrawn")
        except (StatusError, TimeoutError) as error:
            log.warning("can't find out whether access goes on", error=str(error))
