"""The reads: a page of rows comes as one row of joined columns, and is taken apart here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import apsw

from headwater.storage.errors import Compacted, FutureRevision
from headwater.storage.interface import Event, KeyValue, RangeResult
from headwater.storage.keys import prefix_end

_ABOVE_ALL_KEYS = "\U0010ffff"
_FIRST_PAGE = 64
_PAGE_BYTES = 2 << 20
_MAX_PAGE = 4000

_STATE = "SELECT (SELECT max(rev) FROM log), (SELECT value FROM meta WHERE name = 'compacted')"
_GET = (
    "SELECT log.value, current.created, current.rev FROM current JOIN log ON log.rev = current.rev"
    " WHERE current.key = ?"
)
_PAGE = (
    "SELECT group_concat(page.rev || ',' || log.created || ',' || length(log.value)), group_concat(page.key, char(0)),"
    " CAST(group_concat(log.value, '') AS BLOB)"
    " FROM (SELECT key, rev FROM ({source}) ORDER BY key LIMIT :limit) AS page CROSS JOIN log ON log.rev = page.rev"
)
_COUNT = "SELECT count(*) FROM ({source})"
_PRESENT = "SELECT key, rev FROM current WHERE key >= :low AND key < :high"
# What has not changed since, and what the first change since then replaced.
_PAST = (
    "SELECT key, rev FROM current WHERE key >= :low AND key < :high AND rev <= :at"
    " UNION ALL"
    " SELECT key, prev FROM log WHERE rev > :at AND prev BETWEEN 1 AND :at AND key >= :low AND key < :high"
)
_EVENTS = (
    "SELECT group_concat(rev || ',' || created || ',' || prev || ',' || ifnull(length(value), -1) || ','"
    " || ifnull(length(old), -1)), group_concat(key, char(0)),"
    " CAST(group_concat(value, '') AS BLOB), CAST(group_concat(old, '') AS BLOB)"
    " FROM (SELECT new.rev, new.key, new.created, new.prev, new.value, old.value AS old"
    " FROM log AS new LEFT JOIN log AS old ON old.rev = new.prev"
    " WHERE new.rev > :since AND new.key >= :low AND new.key < :high ORDER BY new.rev LIMIT :limit)"
)


class StoreState(NamedTuple):
    """The newest revision and the oldest that can be read, as of one snapshot."""

    revision: int
    compacted: int


def read_state(connection: apsw.Connection) -> StoreState:
    """Read the state. Compaction may have removed the newest row, a deletion, so it counts as a revision too."""
    newest, compacted = connection.execute(_STATE).get
    return StoreState(max(newest or 0, compacted), compacted)


def read_key(connection: apsw.Connection, key: str) -> KeyValue | None:
    """The newest state of a key."""
    row = connection.execute(_GET, (key,)).get
    return KeyValue(key, *row) if row is not None else None


def read_range(connection: apsw.Connection, prefix: str, start_after: str, limit: int, revision: int) -> RangeResult:
    """The keys of a prefix at a revision, as `Backend.range` has it, from one snapshot."""
    with _snapshot(connection):
        state = read_state(connection)
        if revision > state.revision:
            raise FutureRevision(revision, current=state.revision)
        if revision and revision < state.compacted:
            raise Compacted(state.compacted, requested=revision)
        at = revision or state.revision
        source = _PRESENT if at == state.revision else _PAST
        high = prefix_end(prefix) or _ABOVE_ALL_KEYS
        low = max(prefix, start_after + "\0") if start_after else prefix
        items, complete = _read_pages(connection, source, {"low": low, "high": high, "at": at}, limit)
        remaining = 0
        if not complete:
            bounds = {"low": items[-1].key + "\0", "high": high, "at": at}
            remaining = connection.execute(_COUNT.format(source=source), bounds).get
        return RangeResult(items, at, remaining > 0, remaining)


def read_events(connection: apsw.Connection, prefix: str, since: int, limit: int) -> list[Event]:
    """The events of a prefix after a revision, as `Backend.events` has it."""
    bounds = {"low": prefix, "high": prefix_end(prefix) or _ABOVE_ALL_KEYS}
    found: list[Event] = []
    page = _FIRST_PAGE
    with _snapshot(connection):
        state = read_state(connection)
        if since < state.compacted:
            raise Compacted(state.compacted, requested=since)
        while True:
            page = min(page, limit - len(found)) if limit else page
            events, size = _unpack_events(connection.execute(_EVENTS, {**bounds, "since": since, "limit": page}).get)
            found += events
            if len(events) < page or len(found) == limit:
                return found
            since = events[-1].revision
            page = _next_page(len(events), size)


@contextmanager
def _snapshot(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _read_pages(
    connection: apsw.Connection, source: str, bounds: dict[str, str | int], limit: int
) -> tuple[list[KeyValue], bool]:
    """The rows within bounds up to a limit, and whether these are all there are."""
    statement = _PAGE.format(source=source)
    bounds = dict(bounds)
    found: list[KeyValue] = []
    page = _FIRST_PAGE
    while True:
        page = min(page, limit - len(found)) if limit else page
        items, size = _unpack_page(connection.execute(statement, {**bounds, "limit": page}).get)
        found += items
        if len(items) < page:
            return found, True
        if len(found) == limit:
            return found, False
        bounds["low"] = items[-1].key + "\0"
        page = _next_page(len(items), size)


def _next_page(rows: int, size: int) -> int:
    """How many rows to join next, for about `_PAGE_BYTES` when they are like the last ones."""
    return max(_FIRST_PAGE // 8, min(_MAX_PAGE, _PAGE_BYTES * rows // max(size, 1)))


def _unpack_page(row: tuple[str | None, str, bytes]) -> tuple[list[KeyValue], int]:
    numbers, keys, values = row
    if numbers is None:
        return [], 0
    fields = list(map(int, numbers.split(",")))
    found: list[KeyValue] = []
    at = 0
    for key, rev, created, length in zip(keys.split("\0"), fields[::3], fields[1::3], fields[2::3], strict=True):
        found.append(KeyValue(key, values[at : at + length], created, rev))
        at += length
    return found, at


def _unpack_events(row: tuple[str | None, str, bytes | None, bytes | None]) -> tuple[list[Event], int]:
    numbers, keys, values, olds = row
    if numbers is None:
        return [], 0
    values, olds = values or b"", olds or b""
    fields = list(map(int, numbers.split(",")))
    found: list[Event] = []
    at = old_at = 0
    for index, key in enumerate(keys.split("\0")):
        rev, created, prev, length, old_length = fields[index * 5 : index * 5 + 5]
        previous = None
        if old_length >= 0:
            previous = KeyValue(key, olds[old_at : old_at + old_length], created, prev)
            old_at += old_length
        if length >= 0:
            found.append(Event("put", key, values[at : at + length], rev, created, previous))
            at += length
        else:
            found.append(Event("delete", key, None, rev, created, previous))
    return found, at + old_at
