"""Holds back deletions that rest on absence, when there are too many or when the control plane went back in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from headwater.base.clock import Clock
from headwater.telemetry.logging import get_logger

WINDOW_SECONDS: Final = 600.0
FREE_DELETIONS: Final = 10
MAX_SHARE: Final = 0.1

log = get_logger("syncer.guard")


class AbsenceGuard:
    """Counts deletions of copies whose upstream object is absent without ever having been marked as deleted.

    Our finalizer keeps that from happening in the usual course of things, so many of them mean that something is wrong
    upstream. Beyond ten, and a tenth of all copies, within ten minutes the guard holds until a person releases it.
    """

    def __init__(self, clock: Clock, *, again: Callable[[str], None]) -> None:
        self._clock = clock
        self._again = again
        self._waiting: set[str] = set()
        self._deletions: deque[float] = deque()
        self._allowed_by_person = False
        self.held = ""
        """Why deletions are held; "" while they are not."""
        self.changed: Callable[[], None] = lambda: None
        """Called when that changes."""

    def allows(self, item: str, *, copies: int) -> bool:
        """Count the deletion of one item, with so many copies there are now; says whether it may be done."""
        if self._allowed_by_person:
            return True
        if self.held:
            self._waiting.add(item)
            return False
        now = self._clock.monotonic()
        while self._deletions and now - self._deletions[0] > WINDOW_SECONDS:
            self._deletions.popleft()
        if len(self._deletions) >= max(FREE_DELETIONS, int(copies * MAX_SHARE)):
            self._waiting.add(item)
            self._hold(f"{len(self._deletions)} objects were deleted as absent upstream within {WINDOW_SECONDS:.0f} s")
            return False
        self._deletions.append(now)
        return True

    def _hold(self, why: str) -> None:
        log.error("holding deletions until a person allows them", why=why)
        self.held = why
        self.changed()

    def set_released(self, *, released: bool) -> None:
        """A person's decision, from the SyncTarget: while it stands, nothing is held."""
        self._allowed_by_person = released
        if released and self.held:
            self.held = ""
            self._deletions.clear()
            waiting, self._waiting = self._waiting, set()
            for item in waiting:
                self._again(item)
