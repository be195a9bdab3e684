"""Which requests have a span, what it is called, and which writes it is remembered for."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.integration.servers import cluster_from_path
from tests.unit.apiserver.filters.conftest import Chain

from headwater.apiserver.admission.interface import CREATE, DELETE, UPDATE, AdmissionAttributes
from headwater.apiserver.admission.writetraces import WriteTracing
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.filters.tracing import TracingFilter, route
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.apiserver.requestinfo import parse
from headwater.apiserver.web.types import IN_PROCESS, AnyResponse, Headers, Peer, Query, Request
from headwater.base.clock import ManualClock
from headwater.telemetry.tracing import OtelTracing
from headwater.telemetry.writetraces import WriteTraces

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
OUTSIDE = Peer("10.0.0.1")
BOB = UserInfo("bob")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> OtelTracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OtelTracing(provider)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/namespaces/web/pods/a/log", "/api/v1/namespaces/{:namespace}/pods/{:name}/log"),
        ("/apis/apps/v1/deployments", "/apis/apps/v1/deployments"),
        ("/api/v1/namespaces/web", "/api/v1/namespaces/{:name}"),
        ("/services/syncer/a/b/c/clusters/d/api/v1/pods", "/services/syncer"),
        ("/openapi/v3/apis/apps/v1", "/openapi"),
        ("/", "/"),
    ],
)
def test_routes_have_no_names_in_them(path: str, expected: str) -> None:
    assert route(parse("GET", path, Query()), path) == expected


async def ask(
    tracing: OtelTracing, path: str, *, peer: Peer = OUTSIDE, handler: Any = None, **settings: Any
) -> AnyResponse:
    """A request with a caller's trace and a secret in its query."""
    headers = Headers({"authorization": "Bearer root-token", "traceparent": CALLER + "1"})
    chain = Chain(handler, tracing=TracingFilter(tracing), **settings)
    return await chain.call(Request("GET", path, query=Query("token=secret"), headers=headers, peer=peer))


async def test_a_request_is_part_of_the_callers_trace(tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
    """It says what was asked for, not by whom nor with what."""
    await ask(tracing, "/api/v1/namespaces/web/pods/a")
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" in CALLER
    assert span.name == "GET /api/v1/namespaces/{:namespace}/pods/{:name}"
    said = dict(span.attributes or {})
    assert said.pop("audit-id")
    assert said == {
        "http.request.method": "GET", "url.path": "/api/v1/namespaces/web/pods/a", "http.response.status_code": 200,
        "api-version": "v1", "resource": "pods", "namespace": "web", "name": "a",
    }  # fmt: skip


async def test_the_logical_cluster_is_no_part_of_the_name(tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
    await ask(tracing, "/clusters/root:shop/openapi/v3", rewrite=(cluster_from_path,))
    (span,) = exporter.get_finished_spans()
    assert (span.name, (span.attributes or {})["workspace"]) == ("GET /openapi", "root:shop")


@pytest.mark.parametrize(("path", "peer"), [("/livez", Peer("x")), ("/readyz/ping", Peer("x")), ("/api", IN_PROCESS)])
async def test_probes_and_our_own_requests_have_no_span(
    tracing: OtelTracing, exporter: InMemorySpanExporter, path: str, peer: Peer
) -> None:
    await ask(tracing, path, peer=peer)
    assert not exporter.get_finished_spans()


async def test_an_error_of_ours_marks_the_span(tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
    async def broken(_: Request) -> AnyResponse:
        raise RuntimeError("secret")

    response = await ask(tracing, "/api/v1/pods", handler=broken)
    (span,) = exporter.get_finished_spans()
    assert (response.status, span.status.description) == (500, "500")
    assert "secret" not in span.to_json()


@pytest.mark.parametrize(
    ("change", "flags", "remembered"),
    [
        ({"operation": CREATE}, "1", True),
        ({"operation": UPDATE}, "1", True),
        ({"operation": UPDATE}, "0", False),
        ({"operation": DELETE}, "1", False),
        ({"operation": UPDATE, "subresource": "status"}, "1", False),
        ({"operation": UPDATE, "dry_run": True}, "1", False),
        ({"operation": UPDATE, "user": LOOPBACK_USER}, "1", False),
    ],
)
async def test_writes_that_are_remembered(
    tracing: OtelTracing, change: dict[str, Any], flags: str, remembered: bool
) -> None:
    """Those of users, in traces that somebody keeps."""
    traces = WriteTraces(ManualClock())
    plugin = WriteTracing(traces)
    given: dict[str, Any] = {"user": BOB, "object": {"metadata": {"uid": "u"}}, "old_object": None, "info": None}
    attributes = AdmissionAttributes(**{**given, "cluster": "c", "namespace": "", "name": "x", **change})
    with tracing.span("PUT", parent=CALLER + flags) as span:
        if plugin.handles(attributes):
            await plugin.validate(attributes)
    assert traces.get("u") == (span.traceparent if remembered else "")
    assert not plugin.handles(attributes), "there is nothing to remember outside of a span"
