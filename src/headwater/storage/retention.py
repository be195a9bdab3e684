"""How much history a backend keeps: by age and by number of revisions, whichever is less."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """History older than `seconds`, or more than `revisions` back, may be given up. Current values always stay."""

    seconds: float = 600.0
    revisions: int = 200_000

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.revisions <= 0:
            raise ValueError("retention must keep some history")


class RetentionClock:
    """Remembers which revision was the newest at which time, to tell which revisions are out of retention.

    It samples at a sixteenth of the retention time, so that it holds a handful of pairs and no row needs a timestamp.
    After a restart everything counts as written at the start, so history is kept too long rather than too short.
    """

    def __init__(self, retention: Retention, *, now: float, revision: int) -> None:
        self._retention = retention
        self._samples: deque[tuple[float, int]] = deque([(now, revision)])

    def observe(self, revision: int, now: float) -> None:
        """Note that `revision` is the newest one now (monotonic seconds)."""
        if now - self._samples[-1][0] >= self._retention.seconds / 16:
            self._samples.append((now, revision))

    def horizon(self, revision: int, now: float) -> int:
        """The revision up to which history may be given up, when `revision` is the newest; 0 for none."""
        horizon = max(0, revision - self._retention.revisions)
        while len(self._samples) > 1 and self._samples[1][0] <= now - self._retention.seconds:
            self._samples.popleft()
        when, sampled = self._samples[0]
        if when <= now - self._retention.seconds:
            horizon = max(horizon, min(sampled, revision))
        return horizon
