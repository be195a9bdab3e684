"""When the syncer last brought a change down or up."""

from __future__ import annotations

from datetime import datetime

from headwater.base.clock import Clock


class Activity:
    """Noted by whoever writes to either side, reported with the heartbeat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.last: datetime | None = None

    def note(self) -> None:
        """A change was brought over just now."""
        self.last = self._clock.now()
