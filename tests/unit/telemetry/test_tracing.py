"""Traces: off unless asked for, joined by traceparent, bounded, and never in anybody's way."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from headwater.base.clock import ManualClock
from headwater.telemetry import tracing
from headwater.telemetry.writetraces import WriteTraces

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
MANY = 5000


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(each, raising=False)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def made(exporter: InMemorySpanExporter) -> tracing.OtelTracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return tracing.OtelTracing(provider)


def test_nothing_is_imported_before_traces_are_asked_for() -> None:
    """Neither program pays for what it doesn't use."""
    code = (
        "import sys, headwater.server.run, headwater.syncer.run, headwater.cli.start, headwater.cli.syncer\n"
        "from headwater.telemetry.tracing import OFF, open_tracing\n"
        "assert open_tracing('x') is OFF\n"
        "print([each for each in sys.modules if 'opentelemetry' in each])"
    )
    assert run_apart(code).stdout.strip() == "[]"


def run_apart(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in another process; one that never ends is stopped, and fails the test."""
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


async def test_off_is_nothing() -> None:
    with tracing.OFF.span("apply", parent=CALLER) as span:
        span.describe({"name": "x"}, name="y")
        span.fail("why")
        assert (span.traceparent, tracing.current()) == ("", "")
        headers = {"accept": "x"}
        assert tracing.with_trace(headers) is headers
    await tracing.OFF.close()


def test_spans_continue_the_callers_trace(made: tracing.OtelTracing, exporter: InMemorySpanExporter) -> None:
    """What is called in a span is part of it, and requests carry it on."""
    with made.span("GET", kind="server", parent=CALLER) as outer:
        assert tracing.with_trace({"a": "b"}) == {"a": "b", "traceparent": outer.traceparent}
        with made.span("inner", attributes={"name": "x", "namespace": ""}):
            pass
        outer.describe({"code": 200}, name="GET /x")
    assert tracing.current() == ""
    inner, server = exporter.get_finished_spans()
    assert (server.name, server.attributes, server.kind.name) == ("GET /x", {"code": 200}, "SERVER")
    assert (inner.context.trace_id, server.context.trace_id) == (TRACE, TRACE)
    assert inner.parent.span_id == server.context.span_id
    assert inner.attributes == {"name": "x"}, "empty texts are left out"


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-01", CALLER + "0" * 200, "ff" + CALLER[2:]])
def test_what_is_no_traceparent_begins_a_trace(
    made: tracing.OtelTracing, exporter: InMemorySpanExporter, parent: str
) -> None:
    with made.span("GET", parent=parent):
        pass
    assert exporter.get_finished_spans()[0].parent is None


def test_a_caller_that_keeps_nothing_is_followed(made: tracing.OtelTracing, exporter: InMemorySpanExporter) -> None:
    with made.span("GET", parent=CALLER[:-1] + "0") as span:
        assert not tracing.is_sampled(span.traceparent)
        assert tracing.current() == span.traceparent, "those below are to keep nothing, either"
    assert not exporter.get_finished_spans()


def test_an_error_marks_the_span_without_its_words(made: tracing.OtelTracing, exporter: InMemorySpanExporter) -> None:
    with contextlib.suppress(ValueError), made.span("apply"):
        raise ValueError("secret")
    (span,) = exporter.get_finished_spans()
    assert span.status.description == "ValueError"
    assert "secret" not in span.to_json()


@pytest.mark.parametrize("text", ["", "x", "00-a-b-00", "00-a-b-02"])
def test_is_sampled(text: str) -> None:
    assert not tracing.is_sampled(text)
    assert tracing.is_sampled(CALLER)


@pytest.mark.parametrize("endpoint", ["collector:4317", "grpc://collector", "http://"])
def test_an_endpoint_that_can_t_be(endpoint: str) -> None:
    with pytest.raises(tracing.TracingError, match="--otlp-endpoint"):
        tracing.open_tracing("headwater", endpoint)


def test_without_the_packages_there_is_a_line_of_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(tracing.TracingError, match=r"pip install 'headwater\[tracing\]'"):
        tracing.open_tracing("headwater", "http://collector:4318")


class Collector(BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    Collector.received = []
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("how", ["flag", "environment"])
async def test_spans_get_to_a_collector(collector: HTTPServer, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By OTLP over HTTP, under the standard path and the service's name."""
    url = f"http://127.0.0.1:{collector.server_port}"
    if how == "environment":
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    made = tracing.open_tracing("headwater-test", url if how == "flag" else "")
    assert made.enabled
    with made.span("told"):
        pass
    await made.close()
    path, body = Collector.received[0]
    assert path == "/v1/traces"
    assert b"headwater-test" in body and b"told" in body


HANGING = f"""
import asyncio, socket
from headwater.telemetry.tracing import open_tracing

async def work():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = open_tracing("headwater", f"http://127.0.0.1:{{silent.getsockname()[1]}}")
        for _ in range({MANY}):
            with made.span("many"):
                await asyncio.sleep(0)
        await made.close()
        print("closed")

asyncio.run(work())
"""


def test_a_collector_that_hangs_is_in_nobodys_way() -> None:
    """Spans beyond the queue are dropped, and neither the end of tracing nor that of the process waits for it.

    In a process of its own, as its threads go on for a while.
    """
    done = run_apart(HANGING)
    assert (done.returncode, done.stdout.strip()) == (0, "closed"), done.stderr


def test_write_traces_are_bounded_in_number_and_time() -> None:
    clock = ManualClock()
    traces = WriteTraces(clock)
    traces.put("a", "1")
    traces.put("a", "2")
    assert (traces.get("a"), traces.get("b"), len(traces)) == ("2", "", 1)
    for number in range(10_001):
        traces.put(f"{number}", "x")
    assert (len(traces), traces.get("a"), traces.get("10000")) == (10_000, "", "x")
    clock.advance(601)
    assert traces.get("10000") == ""
    traces.put("late", "y")
    assert len(traces) == 1
