"""Events of the pcluster as they read upstream, and how many of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object
from headwater.syncer.upsync.eventbody import (
    Involved,
    count_of,
    event_name,
    is_worth_copying,
    times_of,
    upstream_event,
)
from headwater.syncer.upsync.pace import Pace

AT = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"
ABOUT = {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "kcp-x", "uid": "u", "fieldPath": "spec.c"}


def event(**fields: Any) -> Object:
    meta = {"name": "p.1", "namespace": "kcp-x"}
    said = {"reason": "Failed", "message": "can't pull in kcp-x", "type": "Warning", "source": {"component": "kubelet"}}
    return {
        "metadata": meta,
        "involvedObject": ABOUT,
        "firstTimestamp": AT,
        "lastTimestamp": LATER,
        "count": 3,
        **said,
        **fields,
    }


def test_an_event_reads_as_upstream() -> None:
    made = upstream_event(event(), Involved("v1", "Pod", "web", "p", "up"), key="KEY")
    assert made["metadata"]["namespace"] == "web"
    assert made["metadata"]["labels"] == {"state.workload.kcp.io/KEY": "Upsync"}
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": "web", "name": "p", "uid": "up", "fieldPath": "spec.c"}
    assert made["involvedObject"] == about
    assert (made["message"], made["type"], made["count"]) == ("can't pull in web", "Warning", 3)
    assert (made["firstTimestamp"], made["lastTimestamp"]) == (AT, LATER)
    assert "kcp-x" not in str(made)


def test_the_same_words_have_the_same_name() -> None:
    """Whatever the pcluster calls the Event; about another object, of another target or in other words they don't."""
    one = event_name(event(), key="KEY")
    assert one == event_name(event(metadata={"name": "p.2", "namespace": "kcp-x"}, count=9), key="KEY")
    others = [
        event_name(event(), key="OTHER"),
        event_name(event(reason="Pulled"), key="KEY"),
        event_name(event(involvedObject={**ABOUT, "uid": "v"}), key="KEY"),
    ]
    assert len({one, *others}) == 4
    assert len(event_name(event(involvedObject={**ABOUT, "name": "n" * 253}), key="KEY")) < 253


def test_words_are_bounded() -> None:
    made = upstream_event(
        event(message="m" * 5000, reason="r" * 500, source=None, type="Odd"),
        Involved("v1", "Pod", "web", "p"),
        key="KEY",
    )
    assert (len(made["message"]), len(made["reason"]), made["source"], made["type"]) == (1024, 128, {}, "Normal")
    assert "uid" not in made["involvedObject"]


TIMES: dict[str, tuple[Object, tuple[str | None, str | None], int]] = {
    "old-kind": (event(), (AT, LATER), 3),
    "new-kind": (
        {
            "eventTime": "2026-01-01T00:00:00.123456Z",
            "series": {"count": 4, "lastObservedTime": "2026-01-01T00:01:00.5Z"},
        },
        (AT, LATER),
        4,
    ),
    "new-kind-once": ({"eventTime": "2026-01-01T00:00:00.1Z"}, (AT, AT), 1),
    "only-created": ({"metadata": {"creationTimestamp": AT}}, (AT, AT), 1),
    "nothing": ({}, (None, None), 1),
    "odd-count": ({"count": -2}, (None, None), 1),
}


@pytest.mark.parametrize(("said", "times", "count"), TIMES.values(), ids=TIMES)
def test_times(said: Object, times: tuple[str | None, str | None], count: int) -> None:
    assert times_of(said) == times
    assert count_of(said) == count


WORTH: dict[str, tuple[dict[str, Any], bool]] = {
    "pod": ({}, True),
    "of-nothing": ({"involvedObject": None}, False),
    "elsewhere": ({"involvedObject": {**ABOUT, "namespace": "other"}}, False),
    "cluster-scoped": ({"involvedObject": {"kind": "Node", "name": "n"}}, False),
    "came-up-itself": (
        {"metadata": {"namespace": "kcp-x", "labels": {"state.workload.kcp.io/K": "Upsync"}}},
        False,
    ),
}


@pytest.mark.parametrize(("fields", "expected"), WORTH.values(), ids=WORTH)
def test_what_is_worth_copying(fields: dict[str, Any], expected: bool) -> None:
    assert is_worth_copying(event(**fields)) is expected


async def test_a_pace_lets_a_burst_through_and_then_so_many_a_second() -> None:
    """Those who wait come one after the other, and time that passed unused is not saved up beyond the burst."""
    clock = ManualClock()
    pace = Pace(clock, rate=2.0, burst=2)
    assert [pace.take() for _ in range(3)] == [True, True, False]
    clock.advance(100.0)
    await pace.wait()
    await pace.wait()
    waiting = [asyncio.ensure_future(pace.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    clock.advance(0.5)
    await waiting[0]
    assert not waiting[1].done()
    clock.advance(0.5)
    await waiting[1]
