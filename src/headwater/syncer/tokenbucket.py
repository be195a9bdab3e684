"""A token bucket, as behind `--qps` and `--burst` of Kubernetes' clients."""

from __future__ import annotations

from headwater.base.clock import Clock


class TokenBucket:
    """Refilled with ``qps`` tokens each second, up to ``burst``; a qps of zero never makes anybody wait."""

    def __init__(self, *, qps: float, burst: int, clock: Clock) -> None:
        assert qps >= 0, "a rate is not negative"
        assert burst >= 1, "a bucket holds a token at least"
        self._qps = qps
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()

    def reserve(self) -> float:
        """Take a token, now or in advance; the seconds to wait until it is there, in the order of asking."""
        if self._qps == 0:
            return 0.0
        now = self._clock.monotonic()
        self._tokens = min(self._tokens + (now - self._filled_at) * self._qps, self._burst) - 1
        self._filled_at = now
        return max(-self._tokens / self._qps, 0.0)
