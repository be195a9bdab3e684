"""Writes of the syncer: their rate, and none once another one may lead."""

from __future__ import annotations

import asyncio

import pytest

from headwater.base.clock import ManualClock
from headwater.client.interface import RawResponse, Stream, TransportError
from headwater.syncer.tokenbucket import TokenBucket
from headwater.syncer.writegate import NotLeading, WriteGate
from headwater.telemetry.metrics import Registry


class Wire:
    """A transport that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def request(self, method: str, path: str, **_: object) -> RawResponse:
        self.sent.append(f"{method} {path}")
        return RawResponse(200, {}, b"{}")

    async def stream(self, method: str, path: str, **_: object) -> Stream:
        raise TransportError("no streams here")

    async def close(self) -> None:
        self.sent.append("close")


def gate_for(wire: Wire, clock: ManualClock, registry: Registry, *, qps: float = 0.0, leads: bool = True) -> WriteGate:
    """A gate in front of the wire."""
    bucket = TokenBucket(qps=qps, burst=1, clock=clock)
    return WriteGate(wire, side="upstream", may_write=lambda: leads, bucket=bucket, clock=clock, registry=registry)


def test_a_bucket_lets_a_burst_pass_and_then_its_rate() -> None:
    clock = ManualClock()
    bucket = TokenBucket(qps=10, burst=3, clock=clock)
    assert [round(bucket.reserve(), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]
    clock.advance(60)
    assert [round(bucket.reserve(), 3) for _ in range(4)] == [0, 0, 0, 0.1], "it never holds more than the burst"


def test_without_a_rate_nobody_waits() -> None:
    bucket = TokenBucket(qps=0, burst=1, clock=ManualClock())
    assert not any(bucket.reserve() for _ in range(1000))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_who_does_not_lead_writes_nothing(method: str) -> None:
    wire = Wire()
    gate = gate_for(wire, ManualClock(), Registry(), leads=False)
    with pytest.raises(NotLeading) as refused:
        await gate.request(method, "/api")
    assert not refused.value.sent
    await gate.request("GET", "/api")
    assert wire.sent == ["GET /api"]


async def test_writes_wait_for_their_token_and_reads_do_not() -> None:
    wire, clock, registry = Wire(), ManualClock(), Registry()
    gate = gate_for(wire, clock, registry, qps=1)
    await gate.request("PATCH", "/1")
    second = asyncio.ensure_future(gate.request("PATCH", "/2"))
    while not clock.sleeping:
        await asyncio.sleep(0)
    await gate.request("GET", "/3")
    assert wire.sent == ["PATCH /1", "GET /3"]
    clock.advance(1)
    await second
    text = registry.render().decode()
    assert 'syncer_requests_total{code="200",side="upstream",verb="PATCH"} 2.0' in text
    assert 'syncer_throttled_seconds_total{side="upstream"} 1.0' in text


async def test_what_gets_no_answer_is_counted_too() -> None:
    registry = Registry()
    gate = gate_for(Wire(), ManualClock(), registry)
    with pytest.raises(TransportError):
        await gate.stream("GET", "/watch")
    assert 'syncer_requests_total{code="0",side="upstream",verb="WATCH"} 1.0' in registry.render().decode()
    await gate.close()
