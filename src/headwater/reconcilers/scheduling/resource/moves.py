"""How fast workloads may move: a bucket of tokens, one for each move that begins, whatever its cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock

DEFAULT_RATE: Final = 20.0
"""Moves that may begin in a second, over all workspaces."""
DEFAULT_BURST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLimits:
    """Moves per second, and how many may begin at once after a quiet time."""

    rate: float = DEFAULT_RATE
    burst: int = DEFAULT_BURST


class MoveLimiter:
    """Lets moves begin at a steady pace, so that the loss of many pclusters does not become a storm on the others."""

    def __init__(self, limits: MoveLimits, *, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._tokens = float(limits.burst)
        self._at = clock.monotonic()

    def seconds_to_wait(self) -> float:
        """0 when a move may begin now, which takes a token; else the time until there is one."""
        now = self._clock.monotonic()
        self._tokens = min(float(self._limits.burst), self._tokens + (now - self._at) * self._limits.rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._limits.rate
