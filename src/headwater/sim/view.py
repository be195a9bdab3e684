"""Reads that include our own writes: an informer's copy, overlaid with what the server answered to our last writes.

A controller that looks again before its informer has heard of the pod that it just created would create another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headwater.base.clock import Clock
from headwater.client.informer import Informer
from headwater.machinery.objects import Object, resource_version, uid
from headwater.machinery.watch import DELETED

_FORGET_AFTER_SECONDS = 10.0
_MAXIMUM_WRITES = 100_000

IndexFunction = Callable[[Object], Iterable[str]]


@dataclass(slots=True)
class _Write:
    obj: Object | None
    uid: str
    revision: int
    at: float


class View:
    """Objects of one resource as they are after our writes. Objects must not be changed.

    Our server's resourceVersions are one growing sequence, so the newer of two states is known.
    """

    def __init__(self, informer: Informer, *, clock: Clock) -> None:
        self.informer = informer
        self._clock = clock
        self._indexes: dict[str, IndexFunction] = {}
        self._writes: dict[str, _Write] = {}
        informer.add_handler(self._hear)

    def add_index(self, index: str, function: IndexFunction) -> None:
        """Add an index; the same name twice must be the same function."""
        if index not in self._indexes:
            self._indexes[index] = function
            self.informer.add_index(index, function)

    def get(self, key: str) -> Object | None:
        """The object with this informer key."""
        seen = self.informer.get(key)
        write = self._writes.get(key)
        return seen if write is None or self._is_stale(key, write) else write.obj

    def list(self) -> Sequence[Object]:
        """All objects."""
        return self._overlay(self.informer.list(), lambda _: True)

    def by_index(self, index: str, value: str) -> Sequence[Object]:
        """Objects under an index value."""
        function = self._indexes[index]
        return self._overlay(self.informer.by_index(index, value), lambda obj: value in function(obj))

    def wrote(self, obj: Object) -> None:
        """Take in the server's answer to a write."""
        self._note(self.informer.key_of(obj), _Write(obj, uid(obj), _revision(obj), self._clock.monotonic()))

    def deleted(self, obj: Object) -> None:
        """Take in that this object is gone."""
        self._note(self.informer.key_of(obj), _Write(None, uid(obj), 0, self._clock.monotonic()))

    def _note(self, key: str, write: _Write) -> None:
        seen = self.informer.get(key)
        if seen is not None and _overtakes(seen, write):
            return
        if len(self._writes) >= _MAXIMUM_WRITES:
            self._writes.clear()
        self._writes[key] = write

    def _hear(self, kind: str, old: Object | None, new: Object | None) -> None:
        """Forget a write that the informer has caught up with."""
        obj = new or old
        assert obj is not None, "an informer's event has an object"
        key = self.informer.key_of(obj)
        write = self._writes.get(key)
        if write is not None and ((kind == DELETED and uid(obj) == write.uid) or _overtakes(obj, write)):
            del self._writes[key]

    def _overlay(self, seen: Sequence[Object], wanted: Callable[[Object], bool]) -> Sequence[Object]:
        if not self._writes:
            return seen
        found = {self.informer.key_of(obj): obj for obj in seen}
        for key, write in list(self._writes.items()):
            if self._is_stale(key, write):
                continue
            if write.obj is not None and wanted(write.obj):
                found[key] = write.obj
            else:
                found.pop(key, None)
        return list(found.values())

    def _is_stale(self, key: str, write: _Write) -> bool:
        """Whether a write is so old that the informer must have been told what became of it."""
        stale = self._clock.monotonic() - write.at > _FORGET_AFTER_SECONDS
        if stale:
            del self._writes[key]
        return stale


def _overtakes(seen: Object, write: _Write) -> bool:
    """Whether an object that the informer knows is what a write made, or came later."""
    if uid(seen) == write.uid:
        return write.obj is not None and _revision(seen) >= write.revision
    return write.obj is None or _revision(seen) > write.revision


def _revision(obj: Object) -> int:
    text = resource_version(obj)
    return int(text) if text.isdigit() else 0
