"""One trace from a write in a workspace down to the pcluster and back up with the status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import DEPLOYMENTS, NAMESPACES, Line, running_line

from headwater.base import jsonio
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.objects import Object, annotations, generation, name
from headwater.telemetry.tracing import OtelTracing

SECRET = "nobody-may-read-this"


class Spans:
    """What a process has told of its traces."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = OtelTracing(provider)

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def of(self, trace: str, span_name: str) -> list[ReadableSpan]:
        """Spans of one trace with this name."""
        return [each for each in self.all() if each.name == span_name and f"{each.context.trace_id:032x}" == trace]


def ids(spans: list[ReadableSpan]) -> set[int]:
    return {each.context.span_id for each in spans}


def parents(spans: list[ReadableSpan]) -> set[int]:
    return {each.parent.span_id for each in spans}


HUB, SYNCER = "hub", "syncer"
TracedLine = tuple[Line, dict[str, Spans]]


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[TracedLine]:
    """A line whose two processes make traces."""
    spans = {HUB: Spans(), SYNCER: Spans()}
    tracings = {"hub_tracing": spans[HUB].tracing, "syncer_tracing": spans[SYNCER].tracing}
    async with running_line(tmp_path, store="memory://", **tracings) as line:
        yield line, spans


async def write(line: Line, method: str, path: str, body: Object, trace: str) -> None:
    """A tenant's request that is part of a trace."""
    config = line.directory / "control-plane" / "admin.kubeconfig"
    transport = NetworkTransport(replace(load_file(config).settings(), server=line.control_plane.url))
    kind = "application/json" if method == "POST" else "application/merge-patch+json"
    headers = {"content-type": kind, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    full = f"/clusters/{line.cluster}/apis/apps/v1/namespaces/web/deployments{path}"
    answer = await transport.request(method, full, headers=headers, body=jsonio.dumps(body))
    await transport.close()
    assert answer.status in (200, 201), answer.body


def deployment() -> Object:
    """A Deployment with a value that must not get into traces, and a trace that its author made up."""
    container = {"name": "app", "image": "app:1", "env": [{"name": "TOKEN", "value": SECRET}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "annotations": {"internal.workload.kcp.io/traceparent": "00-made-up-01"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [container]}},
        },
    }


async def test_a_write_its_apply_and_its_status_are_one_trace(traced: TracedLine) -> None:
    """The spans name both sides and no contents, and no object shows the trace or changes for it."""
    line, spans = traced
    first, second = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await write(line, "POST", "", deployment(), first)

    def back() -> list[ReadableSpan]:
        return spans[HUB].of(first, "PATCH /services/syncer")

    async def there_and_back() -> bool:
        """Whether each span's parent has been told of, too: the hub may have answered a request whose span goes on."""
        applied, reported = spans[SYNCER].of(first, "apply"), spans[SYNCER].of(first, "status")
        return bool(reported and back()) and (
            parents(reported) <= ids(applied) and parents(back()) <= ids(applied) | ids(reported)
        )

    await eventually(there_and_back)
    (created,) = spans[HUB].of(first, "POST /apis/apps/v1/namespaces/{:namespace}/deployments")
    applied = spans[SYNCER].of(first, "apply")
    assert parents(applied) == ids([created])
    space = line.downstream_namespace("web")
    both = {
        "sync-target": "west", "workspace": line.cluster, "namespace": "web", "name": "shop", "api-group": "apps",
        "resource": "deployments", "downstream-namespace": space, "downstream-name": "shop",
    }  # fmt: skip
    assert dict(applied[0].attributes or {}) == both

    copies = line.downstream.resource(DEPLOYMENTS, space)
    copy = await copies.get("shop")
    assert generation(copy) == 1
    assert "traceparent" not in "".join(annotations(copy))
    await write(line, "PATCH", "/shop", {"spec": {"replicas": 2}}, second)

    async def again() -> list[ReadableSpan]:
        return spans[SYNCER].of(second, "apply")

    await eventually(again)
    stored = await line.workspace.resource(DEPLOYMENTS, "web").get("shop")
    assert "traceparent" not in "".join(annotations(stored)), "tenants neither see it nor say it"
    everything = [*spans[HUB].all(), *spans[SYNCER].all()]
    assert SECRET not in "".join(each.to_json() for each in everything)
    assert not [each for each in everything if "/livez" in str(each.attributes)]
    assert name(stored) == "shop"
