"""Exponential backoff with jitter, for everything that retries."""

from __future__ import annotations

import random
from typing import Final

_SHARED: Final = random.Random()  # noqa: S311 - spreads load, guards nothing


class Backoff:
    """Gives the seconds to wait before each next try: ``initial``, then times ``factor``, up to ``maximum``.

    ``jitter`` adds a random share: 0.5 means up to half more, so that many clients don't come back at once. The
    maximum holds before jitter. ``source`` gives the shares; a seeded one makes them repeatable.
    """

    __slots__ = ("_factor", "_initial", "_jitter", "_maximum", "_next", "_source")

    def __init__(
        self,
        initial: float,
        factor: float = 2.0,
        maximum: float = 30.0,
        jitter: float = 0.2,
        *,
        source: random.Random | None = None,
    ) -> None:
        assert initial > 0, "a backoff starts above zero"
        assert factor >= 1, "a backoff never shrinks"
        assert maximum >= initial, "the maximum is at least the first delay"
        self._initial = initial
        self._factor = factor
        self._maximum = maximum
        self._jitter = jitter
        self._next = initial
        self._source = source or _SHARED

    def next(self) -> float:
        """The delay in seconds before the next try; each call is one failed try."""
        delay = self._next
        self._next = min(delay * self._factor, self._maximum)
        if self._jitter:
            delay += delay * self._jitter * self._source.random()
        return delay

    def reset(self) -> None:
        """Start over, after a success."""
        self._next = self._initial
