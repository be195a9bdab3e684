"""How many Events may wait to be written upstream."""

from __future__ import annotations

from headwater.base.clock import ManualClock
from headwater.client.interface import Transport
from headwater.machinery.objects import Object
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.eventwriter import MAX_WAITING, PER_NAMESPACE_AT_ONCE, EventCopier
from headwater.telemetry.metrics import Registry


def no_transport(url: str) -> Transport:
    raise AssertionError(f"nothing is sent to {url}")


def event(message: object, count: int = 1) -> Object:
    about = {"kind": "Pod", "name": "p", "namespace": "kcp-x", "uid": "u"}
    return {"metadata": {"namespace": "kcp-x"}, "involvedObject": about, "message": str(message), "count": count}


def copier(clock: ManualClock, registry: Registry) -> EventCopier:
    """One that has no control plane to write to."""
    upstream = Upstream(transport_for=no_transport, changed=lambda *_: None, clock=clock)
    identity = TargetIdentity("c", "t", "u")
    return EventCopier(identity=identity, upstream=upstream, placed=upstream, clock=clock, registry=registry)


def dropped(registry: Registry) -> float:
    lines = registry.render().decode().splitlines()
    return float(next(line for line in lines if line.startswith("syncer_events_dropped_total ")).split()[1])


async def test_one_namespace_does_not_drown_the_others() -> None:
    """Each has its share at once, and then one a second; the same words count once."""
    clock, registry = ManualClock(), Registry()
    events = copier(clock, registry)
    for number in range(PER_NAMESPACE_AT_ONCE + 50):
        events.take(event(number), "a", "noisy")
    assert (len(events), dropped(registry)) == (PER_NAMESPACE_AT_ONCE, 50)
    for count in range(5):
        events.take(event(0, count), "a", "noisy")
    assert len(events) == PER_NAMESPACE_AT_ONCE
    events.take(event("x"), "a", "quiet")
    events.take(event("x"), "b", "noisy")
    assert len(events) == PER_NAMESPACE_AT_ONCE + 2
    clock.advance(3.5)
    for number in range(10):
        events.take(event(f"later {number}"), "a", "noisy")
    assert len(events) == PER_NAMESPACE_AT_ONCE + 5


async def test_all_together_are_bounded() -> None:
    registry = Registry()
    events = copier(ManualClock(), registry)
    for number in range(MAX_WAITING + 10):
        events.take(event("x"), "a", f"space-{number}")
    assert (len(events), dropped(registry)) == (MAX_WAITING, 10)
