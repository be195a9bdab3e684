"""Metrics of a work queue under Kubernetes' names."""

from __future__ import annotations

from headwater.base.clock import Clock
from headwater.telemetry.metrics import Registry


class QueueMetrics:
    """Counts what a queue does: depth, adds, retries, and how long keys wait and are worked on."""

    def __init__(self, name: str, clock: Clock, registry: Registry) -> None:
        self._clock = clock
        labels = ("name",)
        self._depth = registry.gauge("workqueue_depth", "Keys waiting to be worked on.", labels).labels(name)
        self._adds = registry.counter("workqueue_adds_total", "Keys added.", labels).labels(name)
        self._retries = registry.counter("workqueue_retries_total", "Keys added again after an error.", labels).labels(
            name
        )
        self._waited = registry.histogram(
            "workqueue_queue_duration_seconds", "Seconds that keys waited.", labels
        ).labels(name)
        self._worked = registry.histogram(
            "workqueue_work_duration_seconds", "Seconds that work on keys took.", labels
        ).labels(name)
        unfinished = registry.gauge(
            "workqueue_unfinished_work_seconds", "Seconds of work in progress, over all keys.", labels
        )
        unfinished.labels(name).set_function(self._unfinished)
        self._added_at: dict[str, float] = {}
        self._started_at: dict[str, float] = {}

    def added(self, key: str) -> None:
        self._adds.inc()
        self._added_at.setdefault(key, self._clock.monotonic())

    def retried(self) -> None:
        self._retries.inc()

    def depth(self, keys: int) -> None:
        self._depth.set(keys)

    def started(self, key: str) -> None:
        now = self._clock.monotonic()
        self._started_at[key] = now
        self._waited.observe(now - self._added_at.pop(key, now))

    def finished(self, key: str) -> None:
        started = self._started_at.pop(key, None)
        if started is not None:
            self._worked.observe(self._clock.monotonic() - started)

    def _unfinished(self) -> float:
        now = self._clock.monotonic()
        return sum(now - started for started in list(self._started_at.values()))
