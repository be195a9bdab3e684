"""The SQLite backend as the event loop sees it: writes go to the writer's queue, reads to the reader's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from headwater.base.clock import Clock, SystemClock
from headwater.storage.delivery import Subscribers
from headwater.storage.errors import FutureRevision, StorageBusy, StorageError, StoreClosed
from headwater.storage.interface import Event, KeyValue, Listener, RangeResult
from headwater.storage.retention import Retention
from headwater.storage.sqlite.batch import Commit, Write
from headwater.storage.sqlite.queries import read_events, read_key, read_range
from headwater.storage.sqlite.reader import Reader
from headwater.storage.sqlite.writer import Compaction, Writer

_MAX_WAITING_WRITES = 4096
_MAX_WAITING_BYTES = 64 << 20


class SQLiteBackend:
    """A `Backend` on one file. `max_bytes` bounds the file's size; a write above it raises StoreFull."""

    def __init__(
        self,
        path: str,
        *,
        retention: Retention | None = None,
        clock: Clock | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.path = path
        self._writer = Writer(
            path,
            on_commit=self._on_commit,
            retention=retention or Retention(),
            clock=clock or SystemClock(),
            max_bytes=max_bytes,
        )
        self._reader = Reader(path)
        self._subscribers = Subscribers()
        self._unsent: list[Write] = []
        self._waiting = 0
        self._waiting_bytes = 0
        self._revision = 0
        self._compacted = 0
        self._open = False

    async def open(self) -> None:
        state = await self._writer.start()
        self._loop = asyncio.get_running_loop()
        self._revision, self._compacted = state
        self._open = True

    async def close(self) -> None:
        if self._open:
            self._open = False
            self._flush()
            await self._reader.close()
            self._writer.send(None)
            await self._writer.join()

    def revision(self) -> int:
        return self._revision

    def compacted(self) -> int:
        return self._compacted

    def failure(self) -> str | None:
        failure = self._writer.failure if self._open else StoreClosed()
        return str(failure) if failure is not None else None

    async def get(self, key: str) -> KeyValue | None:
        self._require_open()
        return await self._reader.run(read_key, key)

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        self._require_open()
        return await self._reader.run(read_range, prefix, start_after, limit, revision)

    async def events(self, prefix: str, since: int, *, limit: int = 0) -> list[Event]:
        self._require_open()
        return await self._reader.run(read_events, prefix, since, limit)

    async def put(self, key: str, value: bytes, *, expected: int | None) -> int:
        return await self._submit(key, value, expected)

    async def delete(self, key: str, *, expected: int | None) -> int:
        return await self._submit(key, None, expected)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return self._subscribers.add(listener)

    async def compact(self, revision: int) -> None:
        self._require_open()
        if revision > self._revision:
            raise FutureRevision(revision, current=self._revision)
        done: asyncio.Future[None] = self._loop.create_future()
        self._writer.send(Compaction(revision, done))
        await done

    def _submit(self, key: str, value: bytes | None, expected: int | None) -> asyncio.Future[int]:
        self._require_open()
        if "\0" in key:
            raise ValueError(f"a key can't hold a NUL: {key!r}")
        if self._waiting >= _MAX_WAITING_WRITES or self._waiting_bytes >= _MAX_WAITING_BYTES:
            raise StorageBusy(f"{self._waiting} writes are waiting")
        write = Write(key, value, expected, self._loop.create_future())
        self._waiting += 1
        self._waiting_bytes += write.size
        # What the loop submits in one turn goes over as one piece: one wake-up of the writer, and a fuller batch.
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(write)
        return write.future

    def _flush(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            self._writer.send(unsent)

    def _on_commit(self, writes: Sequence[Write], commit: Commit, compacted: int) -> None:
        """Take a finished batch: subscribers first, then the answers."""
        self._revision = commit.revision
        self._compacted = compacted
        if commit.events:
            self._subscribers.deliver(commit.events)
        self._waiting -= len(writes)
        for write, outcome in zip(writes, commit.outcomes, strict=True):
            self._waiting_bytes -= write.size
            if write.future.done():
                continue  # its caller was cancelled
            if isinstance(outcome, StorageError):
                write.future.set_exception(outcome)
            else:
                write.future.set_result(outcome)

    def _require_open(self) -> None:
        if not self._open:
            raise StoreClosed
