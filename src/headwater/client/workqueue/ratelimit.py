"""How long a key that failed has to wait: client-go's default, exponential per key and a bucket over all keys."""

from __future__ import annotations

from typing import Final

from headwater.base.clock import Clock

BASE_DELAY_SECONDS: Final = 0.005
MAX_DELAY_SECONDS: Final = 1000.0
NO_ANSWER_DELAY_SECONDS: Final = 30.0
BUCKET_RATE_PER_SECOND: Final = 10.0
BUCKET_SIZE: Final = 100


class RateLimiter:
    """Delay for each failure of a key: 5 ms doubled up to 1000 s, or the wait for a token, whichever is longer.

    The bucket (100 tokens, 10 more each second) keeps a mass of failing keys from becoming a mass of requests.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        base_delay_seconds: float = BASE_DELAY_SECONDS,
        max_delay_seconds: float = MAX_DELAY_SECONDS,
        rate_per_second: float = BUCKET_RATE_PER_SECOND,
        bucket_size: int = BUCKET_SIZE,
    ) -> None:
        self._clock = clock
        self._base = base_delay_seconds
        self._maximum = max_delay_seconds
        self._rate = rate_per_second
        self._size = float(bucket_size)
        self._tokens = self._size
        self._filled_at = clock.monotonic()
        self._failures: dict[str, int] = {}

    def when(self, key: str) -> float:
        """Count one failure of the key, and say after how many seconds to try again."""
        return max(self._exponential(key), self._token_delay())

    def when_unanswered(self, key: str) -> float:
        """The same where the failure is that nobody answered: soon after somebody does again, however many wait.

        That says nothing about the key, and costs no server anything.
        """
        return min(self._exponential(key), NO_ANSWER_DELAY_SECONDS)

    def forget(self, key: str) -> None:
        """Start over with a key, after it succeeded or was given up."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        """Failures of a key since it was last forgotten."""
        return self._failures.get(key, 0)

    def _exponential(self, key: str) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return self._maximum if failures > 60 else min(self._base * 2.0**failures, self._maximum)

    def _token_delay(self) -> float:
        """Take a token, also one that is not there yet; the delay is until it will be."""
        now = self._clock.monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= 1.0
        return max(-self._tokens / self._rate, 0.0)
