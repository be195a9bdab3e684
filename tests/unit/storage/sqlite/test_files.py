"""What can be wrong with a store's file, and that each case says so."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from headwater.storage.interface import CorruptStore, StoreLocked, StoreUnwritable
from headwater.storage.sqlite.backend import SQLiteBackend

HOLD = """
import asyncio, sys
from headwater.storage.sqlite.backend import SQLiteBackend
async def hold():
    await SQLiteBackend(sys.argv[1]).open()
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


async def make(path: Path, writes: int = 0) -> None:
    backend = SQLiteBackend(str(path))
    await backend.open()
    await asyncio.gather(*(backend.put(f"/k/{index}", os.urandom(600), expected=0) for index in range(writes)))
    await backend.close()


async def refusal(path: Path) -> CorruptStore | StoreUnwritable | StoreLocked:
    """The error that opening a store raises, whose message must be one line with the path in it."""
    with pytest.raises((CorruptStore, StoreUnwritable, StoreLocked)) as caught:
        await SQLiteBackend(str(path)).open()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, CorruptStore | StoreUnwritable | StoreLocked)
    return caught.value


async def test_a_new_store_is_private(tmp_path: Path) -> None:
    """Folders are made, and nobody else can read the file or what lies beside it."""
    path = tmp_path / "new" / "folder" / "store.db"
    backend = SQLiteBackend(str(path))
    await backend.open()
    await backend.put("/k", b"secret", expected=0)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await backend.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["store.db", "store.db.lock"]


async def test_a_store_is_open_once(tmp_path: Path) -> None:
    """A second backend of this process is refused as one of another process is; after close the store is free."""
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path))
    await backend.open()
    error = await refusal(path)
    assert isinstance(error, StoreLocked)
    assert error.pid == os.getpid()
    await backend.close()
    await make(path)


async def test_another_process_holds_the_store(tmp_path: Path) -> None:
    """The error names the process; when it is killed the store is free."""
    path = tmp_path / "store.db"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(path), stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"open\n"
        error = await refusal(path)
        assert isinstance(error, StoreLocked)
        assert error.pid == process.pid
        assert f"process {process.pid}" in str(error)
    finally:
        process.kill()
        await process.wait()
    await make(path)


async def test_a_lock_file_with_nonsense_still_locks(tmp_path: Path) -> None:
    """A lock whose holder can't be told is a lock."""
    path = tmp_path / "store.db"
    backend = SQLiteBackend(str(path))
    await backend.open()
    (tmp_path / "store.db.lock").write_text("nonsense")
    error = await refusal(path)
    assert isinstance(error, StoreLocked)
    assert error.pid is None
    await backend.close()


def damage_head(data: bytes) -> bytes:
    return b"garbage!" * 20 + data[160:]


def damage_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"\xa5" * 5000 + data[middle + 5000 :]


def truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


def replace_by_text(data: bytes) -> bytes:
    return b"this was a database once\n" * 100


@pytest.mark.parametrize("damage", [damage_head, damage_middle, truncate, replace_by_text])
async def test_a_damaged_file_is_refused(tmp_path: Path, damage: object) -> None:
    """Damage in a small store is found when it is opened; the file is left as it is."""
    path = tmp_path / "store.db"
    await make(path, writes=300)
    assert callable(damage)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    error = await refusal(path)
    assert isinstance(error, CorruptStore)
    assert "restore a backup" in str(error)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param("PRAGMA application_id = 7", "another program", id="foreign"),
        pytest.param("PRAGMA user_version = 99", "schema version is 99", id="newer"),
    ],
)
async def test_a_foreign_or_newer_database_is_refused(tmp_path: Path, statement: str, said: str) -> None:
    """A database that this program can't understand is not touched."""
    path = tmp_path / "store.db"
    await make(path)
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()
    assert said in str(await refusal(path))


@pytest.mark.parametrize("below", ["file/store.db", "."])
async def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, below: str) -> None:
    """A file where a folder should be, and a folder where the file should be."""
    (tmp_path / "file").write_text("")
    error = await refusal(tmp_path / below)
    assert isinstance(error, StoreUnwritable)
    assert "permissions" in str(error)


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "file"])
async def test_missing_permissions_are_named(tmp_path: Path, folder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is in the message; the call is refused by hand as root may do anything."""
    path = tmp_path / "store.db"
    system_open = os.open

    def refuse(name: str | Path, *args: int) -> int:
        if str(name) == (f"{path}.lock" if folder else str(path)):
            raise PermissionError(13, "Permission denied")
        return system_open(name, *args)

    monkeypatch.setattr(os, "open", refuse)
    error = await refusal(path)
    assert isinstance(error, StoreUnwritable)
    assert "Permission denied" in str(error)
