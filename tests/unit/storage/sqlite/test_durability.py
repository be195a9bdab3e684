"""What survives: restarts, kill -9, and a disk that is full or fails."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from headwater.storage.interface import StorageUnavailable, StoreFull, StoreLocked
from headwater.storage.sqlite import writer
from headwater.storage.sqlite.backend import SQLiteBackend

WRITERS = """
import asyncio, os, sys
from headwater.storage.retention import Retention
from headwater.storage.sqlite.backend import SQLiteBackend
async def write(backend, name):
    last = None
    for number in range(1_000_000):
        last = await backend.put(f"/k/{name}", b"%d" % number * 200, expected=last or 0)
        os.write(1, b"%d %d %d\\n" % (name, number, last))
async def main():
    backend = SQLiteBackend(sys.argv[1], retention=Retention(revisions=100))
    await backend.open()
    await asyncio.gather(*(write(backend, name) for name in range(8)))
asyncio.run(main())
"""


async def opened(path: Path, **options: int) -> SQLiteBackend:
    backend = SQLiteBackend(str(path), **options)  # type: ignore[arg-type]
    await backend.open()
    return backend


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    """Values, revisions and history are as they were, and the sequence goes on."""
    path = tmp_path / "store.db"
    backend = await opened(path)
    await asyncio.gather(*(backend.put(f"/k/{index}", b"x" * index, expected=0) for index in range(100)))
    await backend.delete("/k/7", expected=None)
    await backend.compact(50)
    before = await backend.range("/k/"), await backend.events("/k/", 50)
    await backend.close()
    backend = await opened(path)
    assert (backend.revision(), backend.compacted()) == (101, 50)
    assert (await backend.range("/k/"), await backend.events("/k/", 50)) == before
    assert await backend.put("/k/7", b"", expected=0) == 102
    await backend.close()


async def test_a_compacted_deletion_keeps_its_revision(tmp_path: Path) -> None:
    """When the newest row, a deletion, is swept away, no later write takes its revision again."""
    path = tmp_path / "store.db"
    backend = await opened(path)
    await backend.put("/k/a", b"", expected=0)
    await backend.delete("/k/a", expected=None)
    await backend.compact(2)
    look = apsw.Connection(str(path))
    async with asyncio.timeout(60):
        while look.execute("SELECT count(*) FROM log").get:
            await asyncio.sleep(0.005)
    look.close()
    await backend.close()
    backend = await opened(path)
    assert backend.revision() == 2
    assert await backend.put("/k/a", b"", expected=0) == 3
    await backend.close()


async def test_killed_in_mid_work_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After kill -9 every acknowledged write is there, or a later one of the same writer."""
    path = tmp_path / "store.db"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITERS, str(path), stdout=subprocess.PIPE)
    assert process.stdout is not None
    acknowledged: dict[int, tuple[int, int]] = {}
    lines = 0
    async for line in process.stdout:
        name, number, revision = map(int, line.split())
        acknowledged[name] = (number, revision)
        lines += 1
        if lines == 600:
            process.kill()
    assert await process.wait() == -signal.SIGKILL
    backend = await opened(path)
    assert backend.revision() >= max(revision for _, revision in acknowledged.values())
    for name, (number, revision) in acknowledged.items():
        found = await backend.get(f"/k/{name}")
        assert found is not None
        assert found.mod_revision >= revision
        kept = next(n for n in (number, number + 1) if found.value == b"%d" % n * 200)
        assert (kept == number) == (found.mod_revision == revision)
    events = await backend.events("", backend.compacted())
    assert [event.revision for event in events] == list(range(backend.compacted() + 1, backend.revision() + 1))
    await backend.close()


async def test_a_full_store_refuses_writes_and_serves_reads(tmp_path: Path) -> None:
    """Writes above the size fail with StoreFull and change nothing; what is there can be read; space heals it."""
    backend = await opened(tmp_path / "store.db", max_bytes=256 << 10)
    written = 0
    with pytest.raises(StoreFull, match="no space left"):
        for _ in range(100):
            await backend.put("/k/a", b"x" * 10_000, expected=None)
            written += 1
    assert 5 < written < 30
    assert backend.revision() == written
    assert backend.failure() is None
    found = await backend.get("/k/a")
    assert found is not None
    assert found.mod_revision == written
    await backend.compact(written)
    async with asyncio.timeout(60):
        while True:
            try:
                assert await backend.put("/k/a", b"y", expected=written) == written + 1
                break
            except StoreFull:
                await asyncio.sleep(0.005)
    await backend.close()


@pytest.mark.parametrize("error", [apsw.IOError("disk I/O error"), RuntimeError("a bug")], ids=["disk", "bug"])
async def test_after_a_failed_write_writing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What a failed flush left in the file is unknown until it is opened again: no write may build on it."""
    path = tmp_path / "store.db"
    backend = await opened(path)
    await backend.put("/k/a", b"1", expected=0)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(writer, "commit_batch", fail)
    with pytest.raises(StorageUnavailable, match=str(error)):
        await backend.put("/k/a", b"2", expected=1)
    monkeypatch.undo()
    with pytest.raises(StorageUnavailable, match="writing has stopped"):
        await backend.put("/k/b", b"3", expected=0)
    with pytest.raises(StorageUnavailable):
        await backend.compact(1)
    assert str(error) in str(backend.failure())
    found = await backend.get("/k/a")
    assert found is not None
    assert found.value == b"1"
    await backend.close()
    backend = await opened(path)
    assert await backend.put("/k/b", b"3", expected=0) == 2
    await backend.close()


async def test_another_programs_lock_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that writes to the file with SQLite itself holds up writes, which fail; they go on after it."""
    path = tmp_path / "store.db"
    monkeypatch.setattr("headwater.storage.sqlite.connection._BUSY_MS", 10)
    backend = await opened(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked):
        await backend.put("/k/a", b"1", expected=0)
    other.execute("ROLLBACK")
    other.close()
    assert backend.failure() is None
    assert await backend.put("/k/a", b"1", expected=0) == 1
    await backend.close()
