"""The seam above the key-value backends: values, events, and the `Backend` protocol that each one fulfils.

The rules are etcd's, narrowed to what an API server needs. There is one sequence of revisions for the whole store;
every successful write, a delete too, takes the next one, and it survives restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from headwater.storage.errors import (
    Compacted,
    CorruptStore,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    RevisionMismatch,
    SlowWatcher,
    StorageBusy,
    StorageError,
    StorageUnavailable,
    StoreClosed,
    StoreFull,
    StoreLocked,
    StoreUnwritable,
)

__all__ = [
    "Backend",
    "Compacted",
    "CorruptStore",
    "Event",
    "FutureRevision",
    "KeyExists",
    "KeyNotFound",
    "KeyValue",
    "Listener",
    "RangeResult",
    "RevisionMismatch",
    "SlowWatcher",
    "StorageBusy",
    "StorageError",
    "StorageUnavailable",
    "StoreClosed",
    "StoreFull",
    "StoreLocked",
    "StoreUnwritable",
]


class KeyValue(NamedTuple):
    """One key as it was at some revision."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int


class Event(NamedTuple):
    """One write. `value` is None for a delete.

    `previous` is the state before the write, None for a create. Only `Backend.events` fills it; live delivery leaves it
    None, because a subscriber that cares has that state at hand.
    """

    kind: Literal["put", "delete"]
    key: str
    value: bytes | None
    revision: int
    create_revision: int
    previous: KeyValue | None = None


class RangeResult(NamedTuple):
    """A page of keys in ascending order, as they were at `revision`.

    `more` says that the limit cut the page short, and `remaining` then counts the keys after it (0 otherwise).
    """

    items: list[KeyValue]
    revision: int
    more: bool
    remaining: int


Listener = Callable[[Sequence[Event]], None]


class Backend(Protocol):
    """A durable ordered map of path-like keys to bytes, with revisions and a bounded history.

    All methods are called on the event loop that `open` ran on. Any of them may raise StorageUnavailable (StorageBusy
    when too much is waiting) or CorruptStore.
    """

    async def open(self) -> None:
        """Make the store usable. Raises StoreLocked, StoreUnwritable, CorruptStore."""
        ...

    async def close(self) -> None:
        """Finish accepted writes, then release everything. Closing twice is harmless."""
        ...

    def revision(self) -> int:
        """The newest revision that has been delivered to subscribers; 0 in a new store."""
        ...

    def compacted(self) -> int:
        """The oldest revision that can still be read at or watched from; 0 when nothing was compacted."""
        ...

    def failure(self) -> str | None:
        """Why the store can't take writes until it is opened again, or None while it is healthy."""
        ...

    async def get(self, key: str) -> KeyValue | None:
        """The newest state of a key, or None. Sees every write acknowledged before the call."""
        ...

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """The keys that begin with `prefix` and sort after `start_after`, at most `limit` (0: all).

        They are read as they were at `revision` (0: the newest). Raises Compacted when that is older than
        `compacted()`, FutureRevision when it has not happened.
        """
        ...

    async def put(self, key: str, value: bytes, *, expected: int | None) -> int:
        """Write a key and return its new revision, once that is durable.

        `expected` 0: the key must not exist (else KeyExists). None: whatever is there. n: the key must be at that mod
        revision (else RevisionMismatch, or KeyNotFound when it is gone).
        """
        ...

    async def delete(self, key: str, *, expected: int | None) -> int:
        """Remove a key and return the revision of the deletion, once that is durable. Raises as `put` does for n."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every batch of events from now on; returns the function that ends it.

        Batches come in order, on the loop, before the writers' own calls return, so that who writes and then reads a
        cache finds the write there.
        """
        ...

    async def events(self, prefix: str, since: int, *, limit: int = 0) -> list[Event]:
        """The events under a prefix with revision > `since`, oldest first, at most `limit` (0: all).

        Each has `previous` filled. Raises Compacted when `since` is older than `compacted()`.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Give up the history before `revision`; current values always stay. Raises FutureRevision."""
        ...
