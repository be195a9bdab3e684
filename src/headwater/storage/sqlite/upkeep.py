"""What keeps the file small: checkpoints of the write-ahead log and removal of old revisions, between batches."""

from __future__ import annotations

import apsw

from headwater.base.clock import Clock
from headwater.storage.retention import Retention, RetentionClock
from headwater.storage.sqlite.queries import StoreState

_IDLE_CHECKPOINT_BYTES = 1 << 20
_BUSY_CHECKPOINT_BYTES = 8 << 20
_PAGE_OVERHEAD = 4096
_SLICE = 1000
_IDLE_SECONDS = 0.2
_RETRY_SECONDS = 5.0

_SWEEP = (
    "DELETE FROM log WHERE rev IN ("
    "SELECT prev FROM log WHERE rev > ?1 AND rev <= ?2 AND prev > 0"
    " UNION ALL SELECT rev FROM log WHERE rev > ?1 AND rev <= ?2 AND value IS NULL)"
)


class Upkeep:
    """Runs on the writer's thread. Work is done when writes pause, and in small steps when they don't.

    A row of history may go when what replaced it, or its own being a deletion, is at or before the compacted revision.
    """

    def __init__(self, connection: apsw.Connection, state: StoreState, retention: Retention, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._seconds = retention.seconds
        self._retention = RetentionClock(retention, now=clock.monotonic(), revision=state.revision)
        self._revision = state.revision
        self.compacted = state.compacted
        self._swept: int = connection.execute("SELECT value FROM meta WHERE name = 'swept'").get
        self._wal_bytes = 0
        self._written = 0
        self._not_before = 0.0

    def committed(self, revision: int, size: int) -> None:
        """Note a batch that made `revision` the newest one and wrote about `size` bytes."""
        count = revision - self._revision
        self._revision = revision
        self._written += count
        self._wal_bytes += size + count * _PAGE_OVERHEAD

    def run(self, *, idle: bool) -> None:
        """Do one step of what is due."""
        now = self._clock.monotonic()
        if now < self._not_before:
            return
        self._retention.observe(self._revision, now)
        self.compact(self._retention.horizon(self._revision, now))
        # Under load each slice makes room for fewer writes than it removes, so the backlog can only shrink.
        if self._swept < self.compacted and (idle or self._written >= _SLICE // 2):
            self._sweep()
        if self._wal_bytes >= (_IDLE_CHECKPOINT_BYTES if idle else _BUSY_CHECKPOINT_BYTES):
            self._checkpoint()

    def wait_seconds(self) -> float | None:
        """How long the writer may sleep before the next idle step; None for as long as there is nothing to write."""
        if self._not_before > self._clock.monotonic():
            return _RETRY_SECONDS
        if self._swept < self.compacted:
            return 0.0
        if self._wal_bytes >= _IDLE_CHECKPOINT_BYTES:
            return _IDLE_SECONDS
        return self._seconds / 16 if self.compacted < self._revision else None

    def postpone(self) -> None:
        """A step failed for a cause that may pass: leave the file alone for a while."""
        self._not_before = self._clock.monotonic() + _RETRY_SECONDS

    def compact(self, revision: int) -> None:
        """Declare history before `revision` gone; the rows go in later steps."""
        if revision > self.compacted:
            self._connection.execute("UPDATE meta SET value = ? WHERE name = 'compacted'", (revision,))
            self.compacted = revision

    def finish(self) -> None:
        """Fold the write-ahead log into the file before it is closed."""
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _sweep(self) -> None:
        end = min(self._swept + _SLICE, self.compacted)
        with self._connection:
            self._connection.execute(_SWEEP, (self._swept, end))
            self._connection.execute("UPDATE meta SET value = ? WHERE name = 'swept'", (end,))
        self._wal_bytes += (end - self._swept) * _PAGE_OVERHEAD // 2
        self._swept = end
        self._written = 0

    def _checkpoint(self) -> None:
        """Copy what can be copied; a reader in the middle of a snapshot leaves the rest for the next time."""
        total, copied = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._wal_bytes = (total - copied) * _PAGE_OVERHEAD
