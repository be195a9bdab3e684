"""Latencies between the two sides."""

from __future__ import annotations

from headwater.base.clock import ManualClock
from headwater.syncer.latency import latency
from headwater.telemetry.metrics import Registry


def test_time_runs_from_the_first_change_to_the_write() -> None:
    clock, registry = ManualClock(), Registry()
    down = latency(registry, clock, "down")
    down.changed("a")
    clock.advance(2)
    down.changed("a")
    clock.advance(1)
    down.written("a")
    down.written("a")
    text = registry.render().decode()
    assert 'syncer_propagation_seconds_sum{direction="down"} 3.0' in text
    assert 'syncer_propagation_seconds_count{direction="down"} 1.0' in text


def test_what_was_the_same_is_not_timed() -> None:
    clock, registry = ManualClock(), Registry()
    up = latency(registry, clock, "up")
    up.changed("a")
    up.same("a")
    up.written("a")
    assert 'syncer_propagation_seconds_count{direction="up"} 0.0' in registry.render().decode()
