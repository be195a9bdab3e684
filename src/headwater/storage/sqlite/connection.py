"""Opens connections to a store's file, checks and creates its schema, and gives SQLite's errors their storage type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from headwater.storage.errors import (
    CorruptStore,
    StorageError,
    StorageUnavailable,
    StoreFull,
    StoreLocked,
    StoreUnwritable,
)

_APPLICATION_ID = 0x48647772
_SCHEMA_VERSION = 1
_CHECKED_BYTES = 4 << 20
_WRITER_CACHE_KIB = 8192
_READER_CACHE_KIB = 4096
_WAL_LIMIT_BYTES = 64 << 20
_BUSY_MS = 2000

# `current` points at the row of `log` that holds a key's value. In `log`, `prev` is the row that this one replaced (0
# for a create) and a NULL value is a deletion; with `prev`, a past state needs no index: a row was current at revision
# r when it is no newer than r and what replaced it is. `value` comes last: a scan need not read its overflow pages.
_SCHEMA = (
    "CREATE TABLE current (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE log (rev INTEGER PRIMARY KEY, key TEXT NOT NULL, prev INTEGER NOT NULL, created INTEGER NOT NULL,"
    " value BLOB)",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('compacted', 0), ('swept', 0)",
    "CREATE TRIGGER log_put AFTER INSERT ON log WHEN new.value IS NOT NULL BEGIN"
    " INSERT INTO current VALUES (new.key, new.rev, new.created)"
    " ON CONFLICT DO UPDATE SET rev = excluded.rev, created = excluded.created; END",
    "CREATE TRIGGER log_delete AFTER INSERT ON log WHEN new.value IS NULL BEGIN"
    " DELETE FROM current WHERE key = new.key; END",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_SCHEMA_VERSION}",
)


def prepare_folder(path: str) -> None:
    """Make the folder of a store's file, for the owner only. Raises StoreUnwritable."""
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(path, error.strerror or str(error)) from None


def open_writer(path: str, *, max_bytes: int | None) -> apsw.Connection:
    """The one connection that writes and makes checkpoints; creates the file and its schema if needed."""
    _create_private(path)
    with translated(path):
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            _configure(connection, _WRITER_CACHE_KIB)
            if connection.pragma("journal_mode", "wal") != "wal":
                raise StoreUnwritable(path, "its file system does not support write-ahead logging")
            connection.pragma("synchronous", "full")
            connection.pragma("secure_delete", False)
            connection.pragma("wal_autocheckpoint", 0)
            connection.pragma("journal_size_limit", _WAL_LIMIT_BYTES)
            _check(connection, path)
            if max_bytes is not None:
                connection.pragma("max_page_count", max(1, max_bytes // int(connection.pragma("page_size"))))
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: str) -> apsw.Connection:
    """A connection for reads on another thread; it never blocks the writer nor waits for it."""
    with translated(path):
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        _configure(connection, _READER_CACHE_KIB)
        connection.pragma("query_only", True)
    return connection


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what SQLite raises inside the block into a storage error that names the file."""
    try:
        yield
    except apsw.Error as error:
        raise _storage_error(path, error) from error


def _storage_error(path: str, error: apsw.Error) -> StorageError:
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return CorruptStore(path, str(error))
    if isinstance(error, apsw.FullError):
        return StoreFull(path)
    if isinstance(error, apsw.CantOpenError | apsw.ReadOnlyError | apsw.PermissionsError):
        return StoreUnwritable(path, str(error))
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreLocked(path, None)
    return StorageUnavailable(f"store {path} failed ({error})")


def _create_private(path: str) -> None:
    """Make an empty file that only the owner can read: values may be secrets."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnwritable(path, error.strerror or str(error)) from None


def _configure(connection: apsw.Connection, cache_kib: int) -> None:
    connection.set_busy_timeout(_BUSY_MS)
    connection.pragma("cache_size", -cache_kib)
    connection.pragma("temp_store", "memory")


def _check(connection: apsw.Connection, path: str) -> None:
    application = connection.pragma("application_id")
    if application == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").get == 0:
        with connection:
            for statement in _SCHEMA:
                connection.execute(statement)
        return
    if application != _APPLICATION_ID:
        raise CorruptStore(path, "it is a SQLite database of another program")
    version = connection.pragma("user_version")
    if version != _SCHEMA_VERSION:
        raise CorruptStore(path, f"its schema version is {version}, this program knows {_SCHEMA_VERSION}")
    # A full check costs time in proportion to the size: large stores find damage when they read it.
    if Path(path).stat().st_size <= _CHECKED_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise CorruptStore(path, str(found).splitlines()[-1])
