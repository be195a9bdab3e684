"""Remembers for a while in which trace each object was written last, so that what follows from it can join."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from headwater.base.clock import Clock

_MOST: Final = 10_000
_SECONDS: Final = 600.0


class WriteTraces:
    """Traceparents by key: the latest 10,000, each for ten minutes. They are in no object and in no store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def put(self, key: str, traceparent: str) -> None:
        """Take note of the latest write."""
        now = self._clock.monotonic()
        self._found.pop(key, None)
        self._found[key] = (traceparent, now)
        while self._found and (len(self._found) > _MOST or next(iter(self._found.values()))[1] < now - _SECONDS):
            self._found.popitem(last=False)

    def get(self, key: str) -> str:
        """The traceparent of the latest write; "" when there is none, or when that was long ago."""
        traceparent, at = self._found.get(key, ("", 0.0))
        return traceparent if traceparent and at >= self._clock.monotonic() - _SECONDS else ""
