"""How fast things are written upstream, whatever happens downstream."""

from __future__ import annotations

from headwater.base.clock import Clock


class Pace:
    """A bucket of `burst` tokens that fills at `rate` a second; whoever finds it empty waits for a token of its own."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()

    async def wait(self) -> None:
        """Return when it is the caller's turn."""
        self._fill()
        self._tokens -= 1.0
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._rate)

    def take(self) -> bool:
        """Take a token if there is one."""
        self._fill()
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
