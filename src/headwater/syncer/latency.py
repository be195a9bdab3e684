"""How long it takes until a change that was seen on one side is on the other one."""

from __future__ import annotations

from typing import Final

from headwater.base.clock import Clock
from headwater.telemetry.metrics import HistogramChild, Registry

_MAX_WAITING: Final = 50_000


class Latency:
    """From the first change of an item that was not brought over yet, to the write that brings it over.

    At most 50,000 items are timed at once; what comes beyond is not.
    """

    def __init__(self, histogram: HistogramChild, clock: Clock) -> None:
        self._histogram = histogram
        self._clock = clock
        self._since: dict[str, float] = {}

    def changed(self, item: str) -> None:
        """An item has changed."""
        if len(self._since) < _MAX_WAITING:
            self._since.setdefault(item, self._clock.monotonic())

    def written(self, item: str) -> None:
        """The other side has it now."""
        since = self._since.pop(item, None)
        if since is not None:
            self._histogram.observe(self._clock.monotonic() - since)

    def same(self, item: str) -> None:
        """There was nothing to bring over."""
        self._since.pop(item, None)


def latency(registry: Registry, clock: Clock, direction: str) -> Latency:
    """The latency `down` (spec) or `up` (status)."""
    histogram = registry.histogram(
        "syncer_propagation_seconds",
        "Seconds from a change that was seen on one side to its acknowledged write on the other one.",
        ["direction"],
    )
    return Latency(histogram.labels(direction), clock)
