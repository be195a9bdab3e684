"""Events: live delivery and replay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from headwater.storage.interface import Backend, Compacted, Event, KeyValue


async def test_events_arrive_before_the_writer_returns(backend: Backend) -> None:
    """Who writes finds its own event delivered, and `revision()` at or past it."""
    seen: list[Event] = []

    def collect(events: Sequence[Event]) -> None:
        assert events[-1].revision == backend.revision()
        seen.extend(events)

    backend.subscribe(collect)
    created = await backend.put("/a", b"1", expected=0)
    assert seen == [Event("put", "/a", b"1", created, created)]
    updated = await backend.put("/a", b"2", expected=created)
    deleted = await backend.delete("/a", expected=updated)
    assert seen[1:] == [Event("put", "/a", b"2", updated, created), Event("delete", "/a", None, deleted, created)]


async def test_every_subscriber_sees_all_events_in_order(backend: Backend) -> None:
    """With many writers at once there is neither gap nor repetition, and each writer's event precedes its answer."""
    first: list[int] = []
    second: list[int] = []
    backend.subscribe(lambda events: first.extend(event.revision for event in events))
    backend.subscribe(lambda events: second.extend(event.revision for event in events))

    async def write(name: str) -> None:
        for _ in range(20):
            revision = await backend.put(f"/{name}", b"", expected=None)
            assert first[-1] >= revision
            assert revision in second

    async with asyncio.timeout(60):
        await asyncio.gather(*(write(str(index)) for index in range(16)))
    assert first == second == list(range(1, 321))


async def test_a_subscription_ends_for_its_owner_alone(backend: Backend) -> None:
    """The same listener may subscribe twice; ending one subscription leaves the other."""
    seen: list[int] = []

    def collect(events: Sequence[Event]) -> None:
        seen.append(events[-1].revision)

    end_first = backend.subscribe(collect)
    end_second = backend.subscribe(collect)
    await backend.put("/a", b"", expected=None)
    end_first()
    end_first()
    await backend.put("/a", b"", expected=None)
    end_second()
    await backend.put("/a", b"", expected=None)
    assert seen == [1, 1, 2]


async def test_a_failing_subscriber_harms_nobody(backend: Backend) -> None:
    """What a subscriber raises goes to the loop's handler; others get their events and writers their answers."""
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    seen: list[Event] = []

    def fail(events: Sequence[Event]) -> None:
        raise RuntimeError("boom")

    backend.subscribe(fail)
    backend.subscribe(seen.extend)
    assert await backend.put("/a", b"", expected=None) == 1
    assert len(seen) == 1
    assert str(failures[0]["exception"]) == "boom"


async def test_replay_gives_events_with_the_state_before(backend: Backend) -> None:
    """`events` answers what live delivery told, by prefix and limit, and adds the previous state."""
    await backend.put("/k/a", b"1", expected=0)
    await backend.put("/other", b"2", expected=0)
    await backend.put("/k/a", b"3", expected=None)
    await backend.delete("/k/a", expected=None)
    await backend.put("/k/a", b"5", expected=0)
    first, third = KeyValue("/k/a", b"1", 1, 1), KeyValue("/k/a", b"3", 1, 3)
    expected = [
        Event("put", "/k/a", b"1", 1, 1, None),
        Event("put", "/k/a", b"3", 3, 1, first),
        Event("delete", "/k/a", None, 4, 1, third),
        Event("put", "/k/a", b"5", 5, 5, None),
    ]
    assert await backend.events("/k/", 0) == expected
    assert await backend.events("/k/", 1) == expected[1:]
    assert await backend.events("/k/", 0, limit=2) == expected[:2]
    assert await backend.events("/k/", 3, limit=1) == expected[2:3]
    assert await backend.events("/k/", 5) == []
    assert await backend.events("/none/", 0) == []


async def test_replay_reads_long_histories(backend: Backend) -> None:
    """Histories of any length and of deletions only come whole."""
    await asyncio.gather(*(backend.put(f"/k/{index}", b"x" * index, expected=0) for index in range(150)))
    half = backend.revision()
    await asyncio.gather(*(backend.delete(f"/k/{index}", expected=None) for index in range(150)))
    events = await backend.events("/k/", 0)
    assert [event.revision for event in events] == list(range(1, 301))
    gone = await backend.events("/k/", half)
    assert {event.kind for event in gone} == {"delete"}
    assert [len(event.previous.value) for event in gone if event.previous] == list(range(150))


async def test_replay_stops_at_compaction(backend: Backend) -> None:
    """Events after the compacted revision are whole, with their previous states; earlier ones raise Compacted."""
    for value in (b"1", b"2", b"3", b"4"):
        await backend.put("/k/a", value, expected=None)
    await backend.compact(2)
    with pytest.raises(Compacted) as caught:
        await backend.events("/k/", 1)
    assert caught.value.oldest == 2
    assert [event.previous and event.previous.value for event in await backend.events("/k/", 2)] == [b"2", b"3"]
