"""The past as a whole: every kept revision of a random history reads and replays as a simple model says."""

from __future__ import annotations

import asyncio
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.base.clock import ManualClock
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend, KeyNotFound
from headwater.storage.retention import Retention

KEYS = ("/k/a", "/k/b", "/k/b/c", "/l/d")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(KEYS)),
        st.tuples(st.just("delete"), st.sampled_from(KEYS)),
        st.tuples(st.just("compact"), st.integers(1, 8)),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=30,
)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(steps=STEPS)
@settings(max_examples=25)
def test_every_kept_revision_reads_as_it_was(kind: str, steps: list[tuple[str, str | int | None]]) -> None:
    """Reads at each revision from the compacted one on, and replays between any two, agree with snapshots."""

    async def scenario(folder: str) -> None:
        url = "memory://" if kind == "memory" else f"sqlite:{folder}/store.db"
        backend = open_backend(url)
        await backend.open()
        snapshots: list[dict[str, bytes]] = [{}]
        for step, argument in steps:
            state = dict(snapshots[-1])
            if step == "put":
                state[str(argument)] = b"%d" % len(snapshots)
                await backend.put(str(argument), state[str(argument)], expected=None)
                snapshots.append(state)
            elif step == "delete":
                try:
                    await backend.delete(str(argument), expected=None)
                except KeyNotFound:
                    assert argument not in state
                else:
                    del state[str(argument)]
                    snapshots.append(state)
            elif step == "compact":
                await backend.compact(max(0, backend.revision() - int(argument or 0)))
            elif kind == "sqlite":
                compacted = backend.compacted()
                await backend.close()
                backend = open_backend(url)
                await backend.open()
                assert (backend.revision(), backend.compacted()) == (len(snapshots) - 1, compacted)
        await check(backend, snapshots)
        await backend.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(folder))


async def check(backend: Backend, snapshots: list[dict[str, bytes]]) -> None:
    assert backend.revision() == len(snapshots) - 1
    for revision in range(max(1, backend.compacted()), len(snapshots)):
        for prefix in ("", "/k/", "/k/b"):
            expected = sorted((k, v) for k, v in snapshots[revision].items() if k.startswith(prefix))
            result = await backend.range(prefix, revision=revision)
            assert [(item.key, item.value) for item in result.items] == expected
            paged = await backend.range(prefix, revision=revision, limit=1)
            assert (paged.items, paged.remaining) == (result.items[:1], max(0, len(expected) - 1))
    for since in range(backend.compacted(), len(snapshots)):
        state = dict(snapshots[since])
        for event in await backend.events("", since):
            previous = event.previous
            assert (previous.value if previous else None) == state.get(event.key)
            if event.value is None:
                del state[event.key]
            else:
                state[event.key] = event.value
            assert state == snapshots[event.revision]
        assert state == snapshots[-1]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_history_is_bounded_by_revisions(kind: str, tmp_path: object) -> None:
    """A store keeps the revisions that it is asked to keep, not (many) more, and always what is current."""
    backend = open_backend(
        "memory://" if kind == "memory" else f"sqlite:{tmp_path}/store.db", retention=Retention(revisions=32)
    )
    await backend.open()
    await backend.put("/old", b"still here", expected=0)
    for index in range(100):
        await backend.put(f"/k/{index % 3}", b"", expected=None)
        assert backend.compacted() <= max(0, backend.revision() - 32)
    assert backend.compacted() >= backend.revision() - 40
    found = await backend.range("")
    assert [item.key for item in found.items] == ["/k/0", "/k/1", "/k/2", "/old"]
    await backend.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_history_is_bounded_by_time(kind: str, tmp_path: object) -> None:
    """What is older than the retention goes with the next write; what is younger stays."""
    clock = ManualClock()
    backend = open_backend(
        "memory://" if kind == "memory" else f"sqlite:{tmp_path}/store.db",
        retention=Retention(seconds=160),
        clock=clock,
    )
    await backend.open()
    for _ in range(10):
        await backend.put("/a", b"", expected=None)
        await backend.put("/b", b"", expected=None)
        clock.advance(20)
    await backend.put("/a", b"", expected=None)
    await backend.put("/a", b"", expected=None)
    # 200 seconds have passed: what was written in the first 40 may go, what was written in the last 160 must stay.
    assert 1 <= backend.compacted() <= 5
    await backend.close()
