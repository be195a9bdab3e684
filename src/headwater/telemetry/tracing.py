"""Traces by OpenTelemetry, for who asks for them: the one door to its SDK, which is imported when they are asked for.

A trace is carried as W3C `traceparent` text, between processes in the header of that name. Spans wait in a queue of
bounded length for a thread that sends them; what is beyond is dropped, and nobody ever waits for the collector.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as SdkSpan

HEADER: Final = "traceparent"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CLOSE_SECONDS: Final = 3.0
_LONGEST: Final = 128
_ODD: Final = frozenset("13579bdf")
"""Last digits of the flags of a trace that is kept: its lowest bit says so."""
_current: ContextVar[str] = ContextVar("traceparent", default="")

Attributes = Mapping[str, str | int]
Kind = Literal["internal", "server"]


class TracingError(ValueError):
    """Traces were asked for and can't be made; the message is one line with advice."""


class Span(Protocol):
    """Something that takes time, while it does."""

    @property
    def traceparent(self) -> str:
        """What makes other spans its children; "" while tracing is off."""
        ...

    def describe(self, attributes: Attributes, *, name: str = "") -> None:
        """Say more about it; empty texts are left out."""
        ...

    def fail(self, why: str) -> None:
        """Mark it as failed, in words without contents of objects."""
        ...


class _NoSpan(AbstractContextManager["_NoSpan"]):
    """Stands for any span while tracing is off, in a `with` statement too."""

    traceparent = ""

    def describe(self, attributes: Attributes, *, name: str = "") -> None:
        return None

    def fail(self, why: str) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_NO_SPAN: Final = _NoSpan()


class Tracing:
    """Makes spans. This one is off: its spans are nothing and cost nothing."""

    enabled = False

    def span(
        self, name: str, *, kind: Kind = "internal", parent: str = "", attributes: Attributes | None = None
    ) -> AbstractContextManager[Span]:
        """A span as long as the `with` block, for all that is called in it.

        It continues ``parent``, a traceparent, or the span around it; else it begins a trace. An exception that leaves
        the block marks it as failed by its type.
        """
        return _NO_SPAN

    async def close(self) -> None:
        """Send what waits, for three seconds at most."""


OFF: Final = Tracing()


class OtelTracing(Tracing):
    """Makes spans of a provider of OpenTelemetry's SDK."""

    enabled = True

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("headwater")
        self._format = TraceContextTextMapPropagator()

    def span(
        self, name: str, *, kind: Kind = "internal", parent: str = "", attributes: Attributes | None = None
    ) -> AbstractContextManager[Span]:
        return self._span(name, kind, parent or _current.get(), attributes or {})

    @contextmanager
    def _span(self, name: str, kind: Kind, parent: str, attributes: Attributes) -> Iterator[Span]:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind

        text = parent if len(parent) <= _LONGEST else ""
        context = self._format.extract({HEADER: text} if text else {}, Context())
        kinds = SpanKind.SERVER if kind == "server" else SpanKind.INTERNAL
        started = self._tracer.start_span(name, context=context, kind=kinds)
        span = _OtelSpan(started)
        span.describe(attributes)
        token = _current.set(span.traceparent)
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__name__)
            raise
        finally:
            _current.reset(token)
            started.end()

    async def close(self) -> None:
        await _bounded(self._provider.shutdown)


class _OtelSpan:
    def __init__(self, span: SdkSpan) -> None:
        context = span.get_span_context()
        self._span = span
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def describe(self, attributes: Attributes, *, name: str = "") -> None:
        if name:
            self._span.update_name(name)
        self._span.set_attributes({key: value for key, value in attributes.items() if value != ""})

    def fail(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, why))


def current() -> str:
    """The traceparent of the span that this runs in; "" outside of one."""
    return _current.get()


def is_sampled(traceparent: str) -> bool:
    """Whether somebody keeps the trace."""
    return len(traceparent) > 1 and traceparent[-1] in _ODD


def with_trace(headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Headers of a request that goes on with the span that it is sent in."""
    traceparent = _current.get()
    return {**(headers or {}), HEADER: traceparent} if traceparent else headers


def open_tracing(service: str, endpoint: str = "") -> Tracing:
    """Traces to an OTLP collector over HTTP, or `OFF` when neither the argument nor the environment names one.

    ``endpoint`` is the collector's base URL. All else is said by OpenTelemetry's own environment variables: headers,
    certificates, sampler, sizes. Raises TracingError for what can't be a URL, and without the packages.
    """
    named = endpoint or next((os.environ[each] for each in _ENDPOINTS if os.environ.get(each)), "")
    if not named or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return OFF
    parts = urlsplit(named)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise TracingError(
            "the OTLP endpoint must be the http or https URL of a collector: pass another --otlp-endpoint"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingError("--otlp-endpoint takes more packages: pip install 'headwater[tracing]'") from error
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service}
    provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OtelTracing(provider)


async def _bounded(work: Callable[[], None]) -> None:
    """Run something that may block on a thread that the process does not wait for."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                pass  # The loop has ended meanwhile.

    threading.Thread(target=run, name="tracing-end", daemon=True).start()
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await done.wait()
    except TimeoutError:
        return
