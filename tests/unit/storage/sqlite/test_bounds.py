"""What is bounded: waiting work, the write-ahead log, and the rows of history."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from headwater.base.clock import ManualClock
from headwater.storage.interface import StorageBusy
from headwater.storage.retention import Retention
from headwater.storage.sqlite import backend as backend_module
from headwater.storage.sqlite import reader, upkeep
from headwater.storage.sqlite.backend import SQLiteBackend


async def settled(path: Path, statement: str, expected: int) -> None:
    """Wait until a query on the file has a result."""
    look = apsw.Connection(str(path))
    async with asyncio.timeout(60):
        while look.execute(statement).get != expected:
            await asyncio.sleep(0.005)
    look.close()


@pytest.mark.parametrize(
    ("bound", "value"), [("_MAX_WAITING_WRITES", 3), ("_MAX_WAITING_BYTES", 3 * 102)], ids=["number", "bytes"]
)
async def test_writes_above_the_bound_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """The writes that fit are done, the others fail at once with StorageBusy, and later ones pass again."""
    monkeypatch.setattr(backend_module, bound, value)
    backend = SQLiteBackend(str(tmp_path / "store.db"))
    await backend.open()
    outcomes = await asyncio.gather(
        *(backend.put(f"/{index}", b"x" * 100, expected=0) for index in range(5)), return_exceptions=True
    )
    assert outcomes[:3] == [1, 2, 3]
    assert [type(outcome) for outcome in outcomes[3:]] == [StorageBusy, StorageBusy]
    assert await backend.put("/5", b"", expected=0) == 4
    await backend.close()


async def test_reads_above_the_bound_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with writes."""
    monkeypatch.setattr(reader, "_MAX_WAITING", 2)
    backend = SQLiteBackend(str(tmp_path / "store.db"))
    await backend.open()
    outcomes = await asyncio.gather(*(backend.get("/a") for _ in range(3)), return_exceptions=True)
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], StorageBusy)
    assert await backend.get("/a") is None
    await backend.close()


@pytest.mark.parametrize("key", ["/a\0b", "/\ud800"])
async def test_keys_that_sqlite_cannot_hold_are_refused(tmp_path: Path, key: str) -> None:
    """They fail alone, before they reach a batch."""
    backend = SQLiteBackend(str(tmp_path / "store.db"))
    await backend.open()
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        await backend.put(key, b"", expected=None)
    assert await backend.put("/a", b"", expected=0) == 1
    await backend.close()


async def test_large_batches_are_split(tmp_path: Path) -> None:
    """More writes, or more bytes, than one transaction takes are all done, in order."""
    backend = SQLiteBackend(str(tmp_path / "store.db"))
    await backend.open()
    small = [backend.put(f"/{index}", b"", expected=0) for index in range(1300)]
    large = [backend.put(f"/large/{index}", b"x" * (1 << 20), expected=0) for index in range(10)]
    assert await asyncio.gather(*small, *large) == list(range(1, 1311))
    await backend.close()


async def test_old_rows_go_when_writes_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a compaction only current values are left, in as many small steps as it takes."""
    monkeypatch.setattr(upkeep, "_SLICE", 16)
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path))
    await backend.open()
    await asyncio.gather(*(backend.put(f"/k/{index % 5}", b"x" * 2000, expected=None) for index in range(200)))
    await asyncio.gather(*(backend.delete(f"/k/{index}", expected=None) for index in range(3)))
    await backend.compact(203)
    await settled(path, "SELECT count(*) FROM log", 2)
    assert [item.key for item in (await backend.range("/k/")).items] == ["/k/3", "/k/4"]
    await backend.close()


async def test_old_rows_go_while_writes_do_not_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History stays near its retention under load too."""
    monkeypatch.setattr(upkeep, "_SLICE", 64)
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path), retention=Retention(revisions=64))
    await backend.open()
    for _ in range(20):
        await asyncio.gather(*(backend.put(f"/k/{index}", b"", expected=None) for index in range(32)))
    look = apsw.Connection(str(path))
    assert look.execute("SELECT count(*) FROM log").get < 320
    look.close()
    await backend.close()


async def test_history_ages_without_writes(tmp_path: Path) -> None:
    """An idle store looks at its history from time to time; it says so without a write."""
    clock = ManualClock()
    backend = SQLiteBackend(str(tmp_path / "store.db"), retention=Retention(seconds=0.16), clock=clock)
    await backend.open()
    await backend.put("/k/a", b"", expected=None)
    await backend.put("/k/a", b"", expected=None)
    clock.advance(1)
    async with asyncio.timeout(60):
        while backend.compacted() < 2:
            clock.advance(1)
            await asyncio.sleep(0.005)
    await backend.close()


@pytest.mark.parametrize("idle", [True, False])
async def test_the_write_ahead_log_is_folded_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle: bool) -> None:
    """Checkpoints happen when writes pause, and above a size also when they don't."""
    monkeypatch.setattr(upkeep, "_IDLE_CHECKPOINT_BYTES", 1 if idle else 1 << 40)
    monkeypatch.setattr(upkeep, "_BUSY_CHECKPOINT_BYTES", 1 << 40 if idle else 1)
    monkeypatch.setattr(upkeep, "_IDLE_SECONDS", 0.0)
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path))
    await backend.open()
    before = path.stat().st_size
    await backend.put("/k/a", b"x" * 100_000, expected=0)
    async with asyncio.timeout(60):
        while path.stat().st_size < before + 100_000:
            await asyncio.sleep(0.005)
    await backend.close()


async def test_upkeep_that_fails_is_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk during a sweep neither stops writing nor keeps the thread spinning."""
    monkeypatch.setattr(upkeep, "_SLICE", 2)
    clock = ManualClock()
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path), clock=clock)
    await backend.open()
    await backend.put("/k/a", b"", expected=None)
    await backend.put("/k/a", b"", expected=None)
    attempts = 0
    sweep = upkeep.Upkeep._sweep

    def fail(_: upkeep.Upkeep) -> None:
        nonlocal attempts
        attempts += 1
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(upkeep.Upkeep, "_sweep", fail)
    await backend.compact(2)
    async with asyncio.timeout(60):
        while not attempts:
            await asyncio.sleep(0.005)
    # The writer looks at its upkeep after each answer: the second one shows that it left it alone after the first.
    await backend.put("/k/b", b"", expected=None)
    await backend.put("/k/b", b"", expected=None)
    assert attempts == 1
    monkeypatch.setattr(upkeep.Upkeep, "_sweep", sweep)
    clock.advance(60)
    await backend.put("/k/c", b"", expected=None)
    await settled(path, "SELECT count(*) FROM log WHERE key = '/k/a'", 1)
    await backend.close()
