"""The thread for reads: its own connection, so that a long list does not hold up commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from headwater.storage.errors import StorageBusy, StoreClosed
from headwater.storage.sqlite.connection import open_reader, translated

P = ParamSpec("P")
T = TypeVar("T")
_MAX_WAITING = 4096


class Reader:
    """Runs reads one after another on its thread. SQLite gives each a snapshot that includes every commit before it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._connection: apsw.Connection | None = None
        self._waiting = 0
        self._closed = False

    async def run(self, read: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `read(connection, …)` on the thread. Raises StorageBusy when too many wait, and what `read` raises."""
        if self._closed:
            raise StoreClosed
        if self._waiting >= _MAX_WAITING:
            raise StorageBusy(f"{self._waiting} reads are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, lambda: self._read(lambda connection: read(connection, *args, **kwargs))
            )
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish the waiting reads and close the connection."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._executor, self._disconnect)
            self._executor.shutdown(wait=False)

    def _read(self, read: Callable[[apsw.Connection], T]) -> T:
        if self._connection is None:
            self._connection = open_reader(self._path)
        with translated(self._path):
            return read(self._connection)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
