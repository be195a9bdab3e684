"""Which traces the syncer's spans continue, and for how long."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from headwater.apis.workload.labels import TRACE_ANNOTATION
from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.traces import SyncTraces
from headwater.telemetry.tracing import OFF, OtelTracing

FIRST, SECOND = (f"00-{digit * 32}-00f067aa0ba902b7-01" for digit in "12")
ITEM, PLACE = "deployments.apps root:shop|web/app", ("kcp-web", "app")
TARGET = TargetIdentity("platform", "west", "uid")


def seen(trace: str) -> Object:
    """An object as the virtual workspace shows it."""
    return {"metadata": {"name": "app", "annotations": {TRACE_ANNOTATION: trace} if trace else {}}}


class Played:
    """Applies and statuses, and in whose trace each was: the digit of it, or "own"."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.traces = SyncTraces(OtelTracing(provider), identity=TARGET, clock=self.clock)

    def apply(self, trace: str) -> str:
        with self.traces.applying(ITEM, seen(trace), PLACE):
            pass
        return self._last()

    def report(self) -> str:
        with self.traces.reporting(ITEM, PLACE):
            pass
        return self._last()

    def _last(self) -> str:
        span = self._exporter.get_finished_spans()[-1]
        return f"{span.context.trace_id:032x}"[0] if span.parent is not None else "own"


def test_a_write_is_continued_and_a_repair_is_not() -> None:
    """Our view of an object goes on showing the trace of its last write, however long ago that was."""
    played = Played()
    assert (played.apply(FIRST), played.report()) == ("1", "1")
    played.clock.advance(5)
    assert played.apply(FIRST) == "1", "the same change, taken up once more"
    played.clock.advance(30)
    assert played.apply(FIRST) == "own"
    played.clock.advance(3600)
    assert played.apply(FIRST) == "own"
    assert (played.apply(SECOND), played.report()) == ("2", "2")
    played.clock.advance(601)
    assert played.report() == "own"
    assert played.apply("") == "own"


def test_a_refused_apply_is_tried_again_in_its_trace() -> None:
    played = Played()
    with pytest.raises(ValueError, match="no"), played.traces.applying(ITEM, seen(FIRST), PLACE):
        raise ValueError("no")
    assert played.report() == "own", "nothing was applied"
    assert played.apply(FIRST) == "1"


def test_while_it_is_off_nothing_is_remembered() -> None:
    traces = SyncTraces(OFF, identity=TARGET, clock=ManualClock())
    for context in (traces.applying(ITEM, seen(FIRST), PLACE), traces.reporting(ITEM, PLACE)):
        with context as span:
            assert span is None
