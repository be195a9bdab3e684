"""The thread that owns the writing connection: it drains the queue of writes and commits what it finds as one batch."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

import apsw

from headwater.base.clock import Clock
from headwater.storage.errors import CorruptStore, StorageError, StorageUnavailable, StoreFull, StoreLocked
from headwater.storage.retention import Retention
from headwater.storage.sqlite.batch import Commit, Write, commit_batch
from headwater.storage.sqlite.connection import open_writer, prepare_folder, translated
from headwater.storage.sqlite.lock import StoreLock
from headwater.storage.sqlite.queries import StoreState, read_state
from headwater.storage.sqlite.upkeep import Upkeep

T = TypeVar("T")
_BATCH_WRITES = 512
_BATCH_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Compaction:
    """A request to compact; `future` resolves when it is recorded."""

    revision: int
    future: asyncio.Future[None]


Work = Sequence[Write] | Compaction | None
OnCommit = Callable[[Sequence[Write], Commit, int], None]


class Writer:
    """Everything here runs on the writer's own thread, except `start`, `send` and `join`.

    Results go to the event loop by one callback per batch: `on_commit(writes, commit, compacted)`.
    """

    def __init__(
        self,
        path: str,
        *,
        on_commit: OnCommit,
        retention: Retention,
        clock: Clock,
        max_bytes: int | None,
    ) -> None:
        self._path = path
        self._on_commit = on_commit
        self._retention = retention
        self._clock = clock
        self._max_bytes = max_bytes
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._backlog: deque[Write] = deque()
        self._revision = 0
        self._closing = False
        self.failure: StorageError | None = None

    async def start(self) -> StoreState:
        """Start the thread, take the lock, open the file. Raises StoreLocked, StoreUnwritable, CorruptStore."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[StoreState] = self._loop.create_future()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, args=(opened,), name="store-writer", daemon=True)
        self._thread.start()
        return await opened

    def send(self, work: Work) -> None:
        """Queue work; None finishes what was queued before it and ends the thread."""
        self._queue.put(work)

    async def join(self) -> None:
        """Wait for the thread to end."""
        await self._finished
        self._thread.join()

    def _main(self, opened: asyncio.Future[StoreState]) -> None:
        lock = StoreLock(self._path)
        try:
            self._open_and_serve(lock, opened)
        except StorageError as error:
            self._call(_fail, opened, error)
        except Exception as error:  # noqa: BLE001  who opens the store must get an answer
            self._call(_fail, opened, StorageUnavailable(f"store {self._path} failed ({error})"))
        finally:
            lock.release()
            self._call(_resolve, self._finished, None)

    def _open_and_serve(self, lock: StoreLock, opened: asyncio.Future[StoreState]) -> None:
        prepare_folder(self._path)
        lock.acquire()
        connection = open_writer(self._path, max_bytes=self._max_bytes)
        try:
            with translated(self._path):
                state = read_state(connection)
                upkeep = Upkeep(connection, state, self._retention, self._clock)
            self._revision = state.revision
            self._call(_resolve, opened, state)
            self._serve(connection, upkeep)
        finally:
            connection.close()

    def _serve(self, connection: apsw.Connection, upkeep: Upkeep) -> None:
        while (writes := self._take(upkeep)) is not None:
            if writes:
                self._commit(connection, upkeep, writes)
            if self.failure is None:
                self._keep_up(upkeep, idle=not writes)
        if self.failure is None:
            self._guard(upkeep.finish)

    def _keep_up(self, upkeep: Upkeep, *, idle: bool) -> None:
        compacted = upkeep.compacted
        if self._guard(partial(upkeep.run, idle=idle)):
            upkeep.postpone()
        if upkeep.compacted > compacted:
            self._call(self._on_commit, (), Commit([], [], self._revision), upkeep.compacted)

    def _take(self, upkeep: Upkeep) -> list[Write] | None:
        """The next batch; empty when it is time for upkeep, None when everything is done and the store closes."""
        if not self._backlog:
            if self._closing:
                return None
            try:
                self._accept(self._queue.get(timeout=upkeep.wait_seconds()), upkeep)
            except Empty:
                return []
        while not self._queue.empty():
            self._accept(self._queue.get(), upkeep)
        batch: list[Write] = []
        size = 0
        while self._backlog and len(batch) < _BATCH_WRITES and size < _BATCH_BYTES:
            write = self._backlog.popleft()
            size += write.size
            batch.append(write)
        return batch

    def _accept(self, work: Work, upkeep: Upkeep) -> None:
        if work is None:
            self._closing = True
        elif isinstance(work, Compaction):
            error = self.failure or self._guard(partial(upkeep.compact, work.revision))
            self._call(self._on_commit, (), Commit([], [], self._revision), upkeep.compacted)
            self._call(_fail, work.future, error) if error else self._call(_resolve, work.future, None)
        else:
            self._backlog.extend(work)

    def _commit(self, connection: apsw.Connection, upkeep: Upkeep, writes: Sequence[Write]) -> None:
        commit: Commit | None = None

        def apply() -> None:
            nonlocal commit
            commit = commit_batch(connection, writes, self._revision)

        error = self.failure or self._guard(apply)
        if commit is None:
            assert error is not None, "a batch has a result or an error"
            commit = Commit([error] * len(writes), [], self._revision)
        else:
            self._revision = commit.revision
            upkeep.committed(commit.revision, sum(write.size for write in writes))
        self._call(self._on_commit, writes, commit, upkeep.compacted)

    def _guard(self, step: Callable[[], None]) -> StorageError | None:
        """Run a step on the database. What it raises is returned, and ends all writing unless it may pass by itself.

        After a failed flush the kernel may drop pages that it could not write, so what the file holds is unknown until
        it is opened again; a full disk or another program's lock is known to have changed nothing.
        """
        try:
            with translated(self._path):
                step()
        except (StoreFull, StoreLocked) as error:
            return error
        except CorruptStore as error:
            self.failure = error
            return error
        except Exception as error:  # noqa: BLE001  the thread must live on to answer those who wait
            self.failure = StorageUnavailable(f"{error}: writing has stopped, restart to try again")
            return self.failure
        return None

    def _call(self, function: Callable[..., object], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            self._closing = True  # the loop is gone without a close: nobody is left to answer


def _resolve(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[object], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
