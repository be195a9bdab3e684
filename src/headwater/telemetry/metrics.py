"""Metrics in Prometheus' text format, named as Kubernetes names them.

Few series on purpose: each metric keeps at most `MAX_SERIES` label sets and counts the rest under ``other``. Counting
costs well under a microsecond through a bound child (``counter.labels("get")`` kept by the caller). `Registry.render`
may run on any thread. There is no client library underneath: its import alone is a sixth of our budget for a start.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

MAX_SERIES: Final = 500

DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds, for requests and queues alike."""
SIZE_BUCKETS: Final = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)
"""Bytes."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

_C = TypeVar("_C")


class CounterChild:
    """One series of a counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self.value += amount


class GaugeChild:
    """One series of a gauge."""

    __slots__ = ("read", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.read: Callable[[], float] | None = None

    def set(self, value: float) -> None:
        self.value = value

    def inc(self, amount: float = 1.0) -> None:
        self.value += amount

    def dec(self, amount: float = 1.0) -> None:
        self.value -= amount

    def set_function(self, read: Callable[[], float]) -> None:
        """Ask the function whenever the metrics are rendered; it must be cheap and safe on any thread."""
        self.read = read


class HistogramChild:
    """One series of a histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metric(Generic[_C]):
    """A named metric: one child for each set of label values."""

    kind: ClassVar[str] = ""

    def __init__(self, name: str, help: str, labels: Sequence[str]) -> None:
        self.name = name
        self.help = help
        self.label_names = tuple(labels)
        self._children: dict[tuple[str, ...], _C] = {}

    def labels(self, *values: object) -> _C:
        """The series of these label values, in the order in which the labels were declared."""
        key = tuple(map(str, values))
        child = self._children.get(key)
        if child is None:
            assert len(key) == len(self.label_names), f"{self.name} takes the labels {self.label_names}"
            if len(self._children) >= MAX_SERIES:
                key = ("other",) * len(key)
            child = self._children.setdefault(key, self._new_child())
        return child

    def remove(self, *values: object) -> None:
        """Forget the series of these label values, for what no longer exists."""
        self._children.pop(tuple(map(str, values)), None)

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {_escape_help(self.help)}\n# TYPE {self.name} {self.kind}\n"
        for key, child in list(self._children.items()):
            yield from self._samples(child, _label_text(self.label_names, key))

    def _new_child(self) -> _C:
        raise NotImplementedError

    def _samples(self, child: _C, labels: str) -> Iterable[str]:
        raise NotImplementedError


class Counter(Metric[CounterChild]):
    """Only grows."""

    kind = "counter"

    def inc(self, amount: float = 1.0) -> None:
        self.labels().inc(amount)

    def _new_child(self) -> CounterChild:
        return CounterChild()

    def _samples(self, child: CounterChild, labels: str) -> Iterable[str]:
        return (f"{self.name}{_braced(labels)} {_number(child.value)}\n",)


class Gauge(Metric[GaugeChild]):
    """Goes up and down."""

    kind = "gauge"

    def set(self, value: float) -> None:
        self.labels().set(value)

    def inc(self, amount: float = 1.0) -> None:
        self.labels().inc(amount)

    def dec(self, amount: float = 1.0) -> None:
        self.labels().dec(amount)

    def set_function(self, read: Callable[[], float]) -> None:
        """See `GaugeChild.set_function`."""
        self.labels().set_function(read)

    def _new_child(self) -> GaugeChild:
        return GaugeChild()

    def _samples(self, child: GaugeChild, labels: str) -> Iterable[str]:
        value = child.read() if child.read is not None else child.value
        return (f"{self.name}{_braced(labels)} {_number(value)}\n",)


class Histogram(Metric[HistogramChild]):
    """How often values fell below each bound."""

    kind = "histogram"

    def __init__(self, name: str, help: str, labels: Sequence[str], buckets: Sequence[float]) -> None:
        super().__init__(name, help, labels)
        self._bounds = tuple(sorted(buckets))

    def observe(self, value: float) -> None:
        self.labels().observe(value)

    def _new_child(self) -> HistogramChild:
        return HistogramChild(self._bounds)

    def _samples(self, child: HistogramChild, labels: str) -> Iterable[str]:
        counts, separator, reached = list(child.counts), "," if labels else "", 0
        for bound, count in zip((*map(_number, self._bounds), "+Inf"), counts, strict=True):
            reached += count
            yield f'{self.name}_bucket{{{labels}{separator}le="{bound}"}} {reached}\n'
        yield f"{self.name}_sum{_braced(labels)} {_number(child.total)}\n"
        yield f"{self.name}_count{_braced(labels)} {reached}\n"


_M = TypeVar("_M", bound=Metric[Any])


class Registry:
    """The metrics of one process. Asking again for a name gives the same metric, so that components can share one."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric[Any]] = {}

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        return self._add(Counter(name, help, labels))

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return self._add(Gauge(name, help, labels))

    def histogram(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = DURATION_BUCKETS
    ) -> Histogram:
        return self._add(Histogram(name, help, labels, buckets))

    def render(self) -> bytes:
        """The text of all metrics in order of their names."""
        metrics = sorted(self._metrics.copy().values(), key=lambda metric: metric.name)
        return "".join(line for metric in metrics for line in metric.lines()).encode()

    def _add(self, metric: _M) -> _M:
        assert _NAME.fullmatch(metric.name), f"{metric.name} is no name for a metric"
        known = self._metrics.get(metric.name)
        if known is None:
            self._metrics[metric.name] = metric
            if not metric.label_names and not isinstance(metric, Histogram):
                metric.labels()
            return metric
        assert type(known) is type(metric), f"metric {metric.name} is a {known.kind} already"
        assert known.label_names == metric.label_names, f"metric {metric.name} has the labels {known.label_names}"
        return known


def _label_text(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join(f'{name}="{_escape_value(value)}"' for name, value in zip(names, values, strict=True))


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _escape_value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
