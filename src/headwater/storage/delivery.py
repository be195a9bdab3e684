"""Hands batches of events to subscribers, in order, so that one that fails can't keep them from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from headwater.storage.interface import Event, Listener


class Subscribers:
    """The listeners of one backend. Used on the event loop only."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> Callable[[], None]:
        """Register a listener; the returned function removes it again, at any time, also during a delivery."""
        entry: Listener = lambda events: listener(events)  # noqa: E731  (an identity of its own: one may subscribe twice)
        self._listeners = (*self._listeners, entry)

        def remove() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not entry)

        return remove

    def deliver(self, events: Sequence[Event]) -> None:
        """Call every listener with a batch; what one raises goes to the loop's exception handler."""
        for listener in self._listeners:
            try:
                listener(events)
            except Exception as error:  # noqa: BLE001  a listener's bug must not leave writers without an answer
                report_failure(error)


def report_failure(error: Exception) -> None:
    """Hand what a listener raised to the loop's exception handler, which logs it."""
    asyncio.get_running_loop().call_exception_handler({"message": "a storage listener failed", "exception": error})
