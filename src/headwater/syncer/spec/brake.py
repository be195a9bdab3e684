"""The blast-radius brake: stops all deletions when too many come in a window, until a person has looked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

DEFAULT_SHARE: Final = 0.5
DEFAULT_COUNT: Final = 50
DEFAULT_WINDOW_SECONDS: Final = 600.0
UNMARKED_COUNT: Final = 10
UNMARKED_SHARE: Final = 0.1
"""Limits of deletions without a mark, which our finalizer keeps from happening in the usual course of things."""

log = get_logger("syncer.brake")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeSettings:
    """It brakes when more than `count` copies, and more than `share` of them, would be deleted within the window."""

    share: float = DEFAULT_SHARE
    count: int = DEFAULT_COUNT
    window_seconds: float = DEFAULT_WINDOW_SECONDS


class DeletionBrake:
    """Counts deletions of copies, marked and unmarked ones apart, and holds all of them once a limit is passed.

    Marked deletions that a person asked for (the target is being drained), and those of copies that this process made
    within the window, don't count: short-lived objects come and go. Unmarked ones always do. What was let through
    once in a window is let through again, so that retries don't add up.
    """

    def __init__(
        self, settings: BrakeSettings, clock: Clock, *, registry: Registry, again: Callable[[str | None], None]
    ) -> None:
        """``again`` has an item looked at anew, or everything for None."""
        self._settings = settings
        self._clock = clock
        self._again = again
        self._marked, self._unmarked, self._made = _Recent(), _Recent(), _Recent()
        self._permitted = _Recent()
        self._waiting: set[str] = set()
        self._most_copies = 0
        self._accepted_at: float | None = None
        self.behind = False
        """Whether they are held because the control plane went back in time."""
        self.drained = False
        """Whether the SyncTarget is being drained, as its spec says."""
        self.trusts = False
        """Whether a person has accepted a control plane that is behind what it was."""
        self.held = ""
        """Why deletions are held; "" while they are not."""
        self.changed: Callable[[], None] = lambda: None
        """Called when that changes."""
        self._total = registry.counter(
            "syncer_deletions_total", "Downstream copies that were let go, by the sign for it.", ["sign"]
        )
        registry.gauge("syncer_deletions_held", "Deletions that wait for a person.").set_function(
            lambda: len(self._waiting)
        )
        registry.gauge("syncer_deletion_brake", "1 while deletions are held.").set_function(lambda: bool(self.held))

    def made(self, item: str) -> None:
        """Note that a copy was made just now."""
        self._made.add(item, self._clock.monotonic())
        self._made.forget_before(self._clock.monotonic() - self._settings.window_seconds)

    def allows(self, item: str, *, copies: int, marked: bool) -> bool:
        """Whether the copy of one item may be deleted, of so many copies that there are now; counts it if so."""
        now = self._clock.monotonic()
        for recent in (self._marked, self._unmarked, self._made, self._permitted):
            recent.forget_before(now - self._settings.window_seconds)
        if item in self._permitted:
            return self._let_go(marked=marked)
        if self.holds(item):
            return False
        if marked and (self.drained or item in self._made):
            return self._let_go(marked=marked)
        recent = self._marked if marked else self._unmarked
        if not self._marked and not self._unmarked:
            self._most_copies = 0
        self._most_copies = max(self._most_copies, copies)
        if item not in recent and len(recent) >= self._limit(marked=marked):
            self._waiting.add(item)
            sign = "as marked" if marked else "as absent upstream, without a mark"
            self.hold(
                f"{len(recent)} of {self._most_copies} objects were deleted {sign} within "
                f"{self._settings.window_seconds:.0f} s, and there are more to delete"
            )
            return False
        recent.add(item, now)
        return self._let_go(marked=marked)

    def hold(self, why: str, *, behind: bool = False) -> None:
        """Stop all deletions. With ``behind`` it is because the control plane went back in time, the graver reason."""
        if self.behind or (self.held and not behind):
            return
        log.error("holding deletions until a person allows them", why=why)
        if behind and not self.trusts:
            self._permitted = _Recent()  # Nobody knew of that when they were permitted.
        self.held = why
        self.behind = behind
        self.changed()

    def holds(self, item: str) -> bool:
        """Whether an item has to wait for the release, so that nobody need be asked about it; it is looked at then."""
        waits = bool(self.held) and item not in self._permitted
        if waits:
            self._waiting.add(item)
        return waits

    def release(self) -> None:
        """A person's decision: what waits now may go, and what comes later is counted anew."""
        if not self.held:
            return
        log.warning("a person allowed the deletions that were held", count=len(self._waiting), held=self.held)
        self.held = ""
        self.trusts = self.trusts or self.behind
        now = self._clock.monotonic()
        self._marked, self._unmarked = _Recent(), _Recent()
        waiting, self._waiting = self._waiting, set()
        for item in waiting:
            self._permitted.add(item, now)
            self._again(item)
        if self.behind:
            self.behind, self._accepted_at = False, now
            self._again(None)

    def accepted_since(self, time: float) -> bool:
        """Whether a person has accepted since a monotonic time that the control plane went back.

        What shows it may come after that: a heartbeat is some seconds later than the first copy that isn't known.
        """
        return self._accepted_at is not None and self._accepted_at >= time

    def _limit(self, *, marked: bool) -> int:
        count, share = self._settings.count, self._settings.share
        if not marked:
            count, share = min(count, UNMARKED_COUNT), min(share, UNMARKED_SHARE)
        return max(count, int(self._most_copies * share))

    def _let_go(self, *, marked: bool) -> bool:
        self._total.labels("mark" if marked else "absence").inc()
        return True


class _Recent:
    """Items by the time of their latest appearance."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, item: str) -> bool:
        return item in self._times

    def add(self, item: str, now: float) -> None:
        self._times.pop(item, None)
        self._times[item] = now

    def forget_before(self, time: float) -> None:
        while self._times and next(iter(self._times.values())) < time:
            del self._times[next(iter(self._times))]
