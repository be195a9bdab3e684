"""Commits a batch of writes as one transaction of one statement, and decides each write's precondition before it.

Only this connection writes, so that what it reads first still holds when it writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from headwater.storage.errors import KeyExists, KeyNotFound, RevisionMismatch, StorageError
from headwater.storage.interface import Event

Outcome = int | StorageError

_POINTERS = (
    "SELECT group_concat(wanted.rowid || ':' || current.rev || ':' || current.created)"
    " FROM carray(?) AS wanted CROSS JOIN current ON current.key = wanted.value"
)
# Each blob is one row: a tag, prev and created in 20 digits, the key's length in 10, the key, the value.
_ROW = b"%b%20d%20d%10d%b%b"
_PUT, _DELETE = b"P", b"D"
_INSERT = (
    "INSERT INTO log (rev, key, prev, created, value)"
    " SELECT ?2 + rowid, CAST(substr(value, 52, CAST(substr(value, 42, 10) AS INTEGER)) AS TEXT),"
    " CAST(substr(value, 2, 20) AS INTEGER), CAST(substr(value, 22, 20) AS INTEGER),"
    " iif(substr(value, 1, 1) = x'44', NULL, substr(value, 52 + CAST(substr(value, 42, 10) AS INTEGER)))"
    " FROM carray(?1)"
)


class Write:
    """A put, or a delete when `value` is None, on its way to the writer; `future` gets its revision or its error."""

    __slots__ = ("encoded_key", "expected", "future", "key", "size", "value")

    def __init__(self, key: str, value: bytes | None, expected: int | None, future: asyncio.Future[int]) -> None:
        self.key = key
        self.encoded_key = key.encode()
        self.value = value
        self.expected = expected
        self.future = future
        self.size = len(self.encoded_key) + len(value or b"")


@dataclass(frozen=True, slots=True)
class Commit:
    """What became of a batch: an outcome per write, in order, and the events of those that succeeded."""

    outcomes: list[Outcome]
    events: list[Event]
    revision: int


def commit_batch(connection: apsw.Connection, writes: Sequence[Write], revision: int) -> Commit:
    """Apply the writes in order after `revision`, the newest one. Raises apsw.Error when nothing was written."""
    pointers = _read_pointers(connection, writes)
    outcomes: list[Outcome] = []
    events: list[Event] = []
    rows: list[bytes] = []
    base = revision
    for write in writes:
        key, value = write.key, write.value
        pointer = pointers.get(key)
        error = _violation(write, pointer)
        if error is not None:
            outcomes.append(error)
            continue
        revision += 1
        prev, created = pointer or (0, revision)
        if value is None:
            rows.append(_ROW % (_DELETE, prev, created, len(write.encoded_key), write.encoded_key, b""))
            events.append(Event("delete", key, None, revision, created))
            del pointers[key]
        else:
            rows.append(_ROW % (_PUT, prev, created, len(write.encoded_key), write.encoded_key, value))
            events.append(Event("put", key, value, revision, created))
            pointers[key] = (revision, created)
        outcomes.append(revision)
    if rows:
        connection.execute(_INSERT, (apsw.carray(tuple(rows)), base))
    return Commit(outcomes, events, revision)


def _read_pointers(connection: apsw.Connection, writes: Sequence[Write]) -> dict[str, tuple[int, int]]:
    """Where the keys of a batch stand: mod and create revision of those that exist."""
    found: str | None = connection.execute(_POINTERS, (apsw.carray(tuple([write.key for write in writes])),)).get
    pointers: dict[str, tuple[int, int]] = {}
    if found:
        for pointer in found.split(","):
            row, rev, created = pointer.split(":")
            pointers[writes[int(row) - 1].key] = (int(rev), int(created))
    return pointers


def _violation(write: Write, pointer: tuple[int, int] | None) -> StorageError | None:
    """The error of a write whose precondition does not hold."""
    expected = write.expected
    if pointer is None:
        missing = write.value is None or (expected is not None and expected > 0)
        return KeyNotFound(write.key) if missing else None
    if expected is None or expected == pointer[0]:
        return None
    if expected == 0:
        return KeyExists(write.key, pointer[0])
    return RevisionMismatch(write.key, expected=expected, actual=pointer[0])
