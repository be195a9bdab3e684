"""What was just written and has not come back through the watch yet, so that it is not written again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock
from headwater.machinery.objects import Object, resource_version
from headwater.machinery.revisions import counted

WAIT_SECONDS: Final = 30.0
"""So long a write is waited for. A watch that brings it later, or never, costs one more write of the same."""
_MAX_AWAITED: Final = 16384


@dataclass(frozen=True, slots=True)
class _Write:
    version: int
    digest: str
    until: float


class Echoes:
    """The last write of each item, until its object is seen as it was then or later; at most 16,384 items.

    Which of two states is the older one is told by their resourceVersions, numbers on every API server that keeps its
    objects in etcd. Where they are none, nothing is awaited.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._writes: OrderedDict[str, _Write] = OrderedDict()

    def wrote(self, item: str, answer: Object, digest: str = "") -> None:
        """Note a write by the object that answered it; ``digest`` tells one content from another."""
        version = counted(resource_version(answer))
        if version is None:
            self._writes.pop(item, None)
            return
        self._writes[item] = _Write(version, digest, self._clock.monotonic() + WAIT_SECONDS)
        self._writes.move_to_end(item)
        while len(self._writes) > _MAX_AWAITED:
            self._writes.popitem(last=False)

    def awaits(self, item: str, seen: Object | None, digest: str = "") -> bool:
        """Whether this was written, and ``seen`` is from before that."""
        write = self._writes.get(item)
        if write is None:
            return False
        version = counted(resource_version(seen)) if seen is not None else 0
        if version is None or version >= write.version or self._clock.monotonic() >= write.until:
            del self._writes[item]
            return False
        return write.digest == digest

    def forget(self, item: str) -> None:
        """The object has gone, so that its last write counts no longer."""
        self._writes.pop(item, None)
