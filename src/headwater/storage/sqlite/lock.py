"""The lock that keeps a second process away from a store's file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from headwater.storage.errors import StoreLocked, StoreUnwritable


class StoreLock:
    """An exclusive lock on a file beside the store, which also says who holds it.

    The kernel releases it when the process ends, however it ends. The file stays: to remove it would race with the next
    holder.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._path = Path(store + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise StoreLocked at once; StoreUnwritable when the file can't be made."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnwritable(self._store, error.strerror or str(error)) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _read_pid(descriptor)
            os.close(descriptor)
            raise StoreLocked(self._store, holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one in. Harmless when not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _read_pid(descriptor: int) -> int | None:
    try:
        return int(os.pread(descriptor, 32, 0))
    except (OSError, ValueError):
        return None
