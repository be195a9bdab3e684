"""Keeps a controller from working on a copy that is older than its own last write."""

from __future__ import annotations

from headwater.machinery.objects import Object, resource_version


class Freshness:
    """Remembers, for each key, the resourceVersion that a pass wrote, until the informer's copy has reached it.

    An informer hears of a write a moment after the writer. A pass in between would do the same work again, and then
    fail with a conflict; it can be left out, because the event that brings the copy up to date starts the next one.
    """

    def __init__(self) -> None:
        self._written: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._written)

    def wrote(self, key: str, answer: Object | None) -> bool:
        """Note the server's answer to a write; says whether there was one (None: nothing had to be written)."""
        if answer is None:
            return False
        version = resource_version(answer)
        if version.isdecimal():
            self._written[key] = int(version)
        return True

    def is_stale(self, key: str, cached: Object | None) -> bool:
        """Whether the copy is older than what was written. A copy that is gone is as new as can be."""
        written = self._written.get(key)
        if written is None:
            return False
        if cached is not None and int(resource_version(cached) or 0) < written:
            return True
        del self._written[key]
        return False
