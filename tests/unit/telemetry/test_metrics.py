"""Metrics: what Prometheus reads back, bounded series, thread safety of rendering."""

from __future__ import annotations

import math
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headwater.telemetry import process
from headwater.telemetry.metrics import MAX_SERIES, Registry


def samples(registry: Registry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a Prometheus server would read."""
    families = text_string_to_metric_families(registry.render().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_and_gauges() -> None:
    """Values, labels and special characters arrive as they were set."""
    registry = Registry()
    requests = registry.counter("apiserver_request_total", 'Requests\nby "verb" \\', ("verb", "code"))
    requests.labels("get", 200).inc()
    requests.labels("get", 200).inc(2)
    requests.labels('a"b\\c\nd', 500).inc(0.5)
    depth = registry.gauge("workqueue_depth", "Depth.")
    depth.set(5)
    depth.inc()
    depth.dec(2)
    registry.gauge("now", "Read at rendering.").set_function(lambda: math.inf)
    registry.counter("zero_total", "Shown before it is used.").inc(0)
    registry.counter("one_total", "One.").inc()
    assert samples(registry) == {
        ("apiserver_request_total", frozenset({("verb", "get"), ("code", "200")})): 3,
        ("apiserver_request_total", frozenset({("verb", 'a"b\\c\nd'), ("code", "500")})): 0.5,
        ("workqueue_depth", frozenset()): 4,
        ("now", frozenset()): math.inf,
        ("zero_total", frozenset()): 0,
        ("one_total", frozenset()): 1,
    }


def test_histograms() -> None:
    """Buckets are cumulative and bounds inclusive, as Prometheus wants them."""
    registry = Registry()
    duration = registry.histogram("d_seconds", "D.", ("verb",), buckets=(0.1, 1))
    for value in (0.05, 0.1, 0.5, 3):
        duration.labels("get").observe(value)
    registry.histogram("plain_seconds", "P.", buckets=(1,)).observe(0.5)
    found = samples(registry)
    verb = ("verb", "get")
    assert found["d_seconds_bucket", frozenset({verb, ("le", "0.1")})] == 2
    assert found["d_seconds_bucket", frozenset({verb, ("le", "1.0")})] == 3
    assert found["d_seconds_bucket", frozenset({verb, ("le", "+Inf")})] == 4
    assert found["d_seconds_count", frozenset({verb})] == 4
    assert found["d_seconds_sum", frozenset({verb})] == pytest.approx(3.65)
    assert found["plain_seconds_count", frozenset()] == 1


def test_series_are_bounded() -> None:
    """Label values from outside can't fill the memory: the rest is counted together."""
    registry = Registry()
    counter = registry.counter("c_total", "C.", ("path",))
    for number in range(MAX_SERIES + 50):
        counter.labels(number).inc()
    found = samples(registry)
    assert len(found) == MAX_SERIES + 1
    assert found["c_total", frozenset({("path", "other")})] == 50
    counter.remove(0)
    counter.remove("never there")
    assert len(samples(registry)) == MAX_SERIES


def test_names_are_shared_and_checked() -> None:
    """The same name gives the same metric; a contradiction is a bug where it is made."""
    registry = Registry()
    first = registry.counter("a_total", "A.", ("x",))
    assert registry.counter("a_total", "A.", ("x",)) is first
    with pytest.raises(AssertionError, match="is a counter already"):
        registry.gauge("a_total", "A.", ("x",))
    with pytest.raises(AssertionError, match="has the labels"):
        registry.counter("a_total", "A.", ("y",))
    with pytest.raises(AssertionError, match="takes the labels"):
        first.labels("x", "y")
    with pytest.raises(AssertionError, match="must end in _total"):
        registry.counter("a", "A.")


def test_rendering_on_another_thread() -> None:
    """Rendering never fails while series are added on the loop's thread."""
    registry = Registry()
    counter = registry.counter("c_total", "C.", ("n",))
    stop, failures = threading.Event(), []

    def render() -> None:
        while not stop.is_set():
            try:
                registry.render()
            except RuntimeError as error:
                failures.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    for number in range(3000):
        counter.labels(number % 400).inc()
        registry.gauge(f"g{number % 50}", "G.")
    stop.set()
    thread.join()
    assert failures == []


def test_process_metrics() -> None:
    """Memory, time, files and the version are there."""
    registry = Registry()
    process.register(registry)
    found = {name: value for (name, _), value in samples(registry).items()}
    assert found["process_resident_memory_bytes"] > 1_000_000
    assert found["process_open_fds"] > 0
    assert found["process_start_time_seconds"] > 1e9
    assert found["process_cpu_seconds_total"] > 0
    assert found["headwater_build_info"] == 1
