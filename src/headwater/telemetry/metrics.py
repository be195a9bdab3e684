"""Metrics in Prometheus' text format, named as Kubernetes names them: the one door to prometheus_client.

Few series on purpose: each metric keeps at most `MAX_SERIES` label sets and counts the rest under ``other``. Hot paths
keep the child of their labels (``counter.labels("get")``). `Registry.render` may run on any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

MAX_SERIES: Final = 500

DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds, for requests and queues alike."""
SIZE_BUCKETS: Final = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)
"""Bytes."""

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4

CounterChild = prometheus_client.Counter
GaugeChild = prometheus_client.Gauge
HistogramChild = prometheus_client.Histogram

_C = TypeVar("_C", CounterChild, GaugeChild, HistogramChild)

# A series more for each series, of use to OpenMetrics readers only.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metric(Generic[_C]):
    """A named metric: one child for each set of label values."""

    __slots__ = ("_children", "_parent", "label_names", "name")

    def __init__(self, parent: _C, name: str, labels: Sequence[str]) -> None:
        self._parent: _C = parent
        self.name = name
        self.label_names = tuple(labels)
        self._children: dict[tuple[str, ...], _C] = {}

    def labels(self, *values: object) -> _C:
        """The series of these label values, in the order in which the labels were declared."""
        key = tuple(map(str, values))
        child = self._children.get(key)
        if child is None:
            assert len(key) == len(self.label_names), f"{self.name} takes the labels {self.label_names}"
            if not key:
                return self._parent
            if len(self._children) >= MAX_SERIES:
                return self._parent.labels(*("other",) * len(key))
            child = self._children[key] = self._parent.labels(*key)
        return child

    def remove(self, *values: object) -> None:
        """Forget the series of these label values, for what no longer exists."""
        key = tuple(map(str, values))
        if self._children.pop(key, None) is not None:
            self._parent.remove(*key)


class Counter(Metric[CounterChild]):
    """Only grows; its name ends in ``_total``."""

    def inc(self, amount: float = 1.0) -> None:
        self._parent.inc(amount)


class Gauge(Metric[GaugeChild]):
    """Goes up and down."""

    def set(self, value: float) -> None:
        self._parent.set(value)

    def inc(self, amount: float = 1.0) -> None:
        self._parent.inc(amount)

    def dec(self, amount: float = 1.0) -> None:
        self._parent.dec(amount)

    def set_function(self, read: Callable[[], float]) -> None:
        """Ask the function whenever the metrics are rendered; it must be cheap and safe on any thread."""
        self._parent.set_function(read)


class Histogram(Metric[HistogramChild]):
    """How often values fell below each bound."""

    def observe(self, value: float) -> None:
        self._parent.observe(value)


_M = TypeVar("_M", Counter, Gauge, Histogram)


class Registry:
    """The metrics of one process. Asking again for a name gives the same metric, so that components can share one."""

    def __init__(self) -> None:
        self._collectors = CollectorRegistry()
        self._metrics: dict[str, Metric[Any]] = {}

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        # The library appends the ending where it is missing; then the name in our code would find nothing.
        assert name.endswith("_total"), f"the counter {name} must end in _total"
        return self._known(Counter, name, labels) or self._add(
            Counter(CounterChild(name, help, labels, registry=self._collectors), name, labels)
        )

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return self._known(Gauge, name, labels) or self._add(
            Gauge(GaugeChild(name, help, labels, registry=self._collectors), name, labels)
        )

    def histogram(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = DURATION_BUCKETS
    ) -> Histogram:
        """A histogram with these upper bounds, which are ascending."""
        return self._known(Histogram, name, labels) or self._add(
            Histogram(HistogramChild(name, help, labels, registry=self._collectors, buckets=buckets), name, labels)
        )

    def add_process_metrics(self) -> None:
        """Add ``process_*``: memory, processor time, open files and start, where the system has /proc."""
        ProcessCollector(registry=self._collectors)

    def render(self) -> bytes:
        """The text of all metrics."""
        return generate_latest(self._collectors)

    def _known(self, kind: type[_M], name: str, labels: Sequence[str]) -> _M | None:
        known = self._metrics.get(name)
        if known is None:
            return None
        assert isinstance(known, kind), f"metric {name} is a {type(known).__name__.lower()} already"
        assert known.label_names == tuple(labels), f"metric {name} has the labels {known.label_names}"
        return known

    def _add(self, metric: _M) -> _M:
        self._metrics[metric.name] = metric
        return metric
