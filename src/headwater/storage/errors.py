"""What storage raises. Each message is one line that a person can act on; no message holds a stored value."""

from __future__ import annotations


class StorageError(Exception):
    """Root of everything that storage raises on purpose."""


class KeyExists(StorageError):
    """A create found the key present, at mod revision `actual`."""

    def __init__(self, key: str, actual: int) -> None:
        super().__init__(f"key {key} exists at revision {actual}")
        self.key = key
        self.actual = actual


class KeyNotFound(StorageError):
    """A delete, or a put that expected a revision, found no such key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key} does not exist")
        self.key = key


class RevisionMismatch(StorageError):
    """The key is at mod revision `actual`, not at the one that the writer expected."""

    def __init__(self, key: str, *, expected: int, actual: int) -> None:
        super().__init__(f"key {key} is at revision {actual}, not {expected}")
        self.key = key
        self.expected = expected
        self.actual = actual


class Compacted(StorageError):
    """The revision asked for is older than `oldest`, the oldest one that can still be read or watched from."""

    def __init__(self, oldest: int, *, requested: int = 0, message: str = "") -> None:
        super().__init__(message or f"revision {requested} is too old, the oldest that is kept is {oldest}")
        self.oldest = oldest
        self.requested = requested


class SlowWatcher(Compacted):
    """A watcher did not keep up and was cut off; it may watch again from the last revision that it saw."""

    def __init__(self, oldest: int, *, waiting: int) -> None:
        super().__init__(oldest, message=f"watcher is too slow: cut off with {waiting} events waiting")
        self.waiting = waiting


class FutureRevision(StorageError):
    """The revision asked for has not happened (yet); `current` is the newest one."""

    def __init__(self, requested: int, *, current: int) -> None:
        super().__init__(f"revision {requested} is in the future, the newest is {current}")
        self.requested = requested
        self.current = current


class StorageUnavailable(StorageError):
    """The store cannot serve this call now. A write that fails so may or may not have happened."""


class StorageBusy(StorageUnavailable):
    """Too much work is waiting already; nothing was done, try again in a moment (HTTP 429)."""


class StoreClosed(StorageUnavailable):
    """The store is not open (any more)."""

    def __init__(self) -> None:
        super().__init__("the store is closed")


class StoreLocked(StorageUnavailable):
    """Another process (or another backend of this one) has the store open; `pid` is None if it can't be told."""

    def __init__(self, path: str, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"store {path} is in use by {holder}: stop it, or choose another store")
        self.path = path
        self.pid = pid


class StoreUnwritable(StorageUnavailable):
    """The store's file or folder can't be created or written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"store {path} can't be written ({reason}): check its folder, owner and permissions")
        self.path = path
        self.reason = reason


class StoreFull(StorageUnavailable):
    """The disk is full. Reads go on; writes succeed again as soon as there is space."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no space left on the disk of store {path}: free some, no restart is needed")
        self.path = path


class CorruptStore(StorageError):
    """The store's file is damaged or isn't ours."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"store {path} can't be used ({detail}): restore a backup, or move it away to start empty")
        self.path = path
        self.detail = detail
