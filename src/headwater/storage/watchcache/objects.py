"""What the watch cache holds and hands out: objects as bytes that decode on demand, and events that encode once.

Objects that nobody writes for a while rest: of them only a packed form stays in memory, until someone reads them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from headwater.base import jsonio
from headwater.base.packing import Packer
from headwater.storage.watchcache.splice import replace_revision

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
_LABELS = b'"labels":{'
_NO_LABELS: Mapping[str, str] = {}


class DecodedMemo:
    """Remembers which objects hold a decoded form, and takes the oldest ones back above a total of `max_bytes`.

    Bytes count encoded; the decoded form of a typical object takes about six times as much.
    """

    __slots__ = ("_bytes", "_max_bytes", "_order")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._order: deque[tuple[CachedObject, int]] = deque()

    def keep(self, item: CachedObject) -> None:
        """Count an object that was just decoded."""
        self._order.append((item, item.size))
        self._bytes += item.size
        while self._bytes > self._max_bytes:
            oldest, size = self._order.popleft()
            oldest.forget()
            self._bytes -= size


class CachedObject:
    """One object at one revision; never changes. `value` is its JSON with the resourceVersion in place.

    ``size`` is the length of `value`, known without waking an object that rests.
    """

    __slots__ = ("_decoded", "_labels", "_memo", "_packed", "_packer", "_value", "key", "revision", "size")
    _packer: Packer

    def __init__(self, key: str, value: bytes, revision: int, memo: DecodedMemo) -> None:
        self.key = key
        self._value: bytes | None = value
        self.size = len(value)
        self.revision = revision
        self._memo = memo
        self._packed: bytes | None = None
        self._decoded: dict[str, Any] | None = None
        self._labels: Mapping[str, str] | None = None

    @property
    def decoded(self) -> dict[str, Any]:
        """The object as a dict. Shared with everyone: to be read only, copy it before a change."""
        decoded = self._decoded
        if decoded is None:
            decoded = self._decoded = jsonio.loads(self.value)
            self._memo.keep(self)
        return decoded

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels; unlike `decoded` they stay once read, as selectors ask for them again and again."""
        labels = self._labels
        if labels is None:
            labels = self._labels = self._read_labels()
        return labels

    def forget(self) -> None:
        """Drop the decoded form; the next use decodes again."""
        self._decoded = None

    @property
    def value(self) -> bytes:
        """The object's JSON."""
        value = self._value
        if value is None:
            assert self._packed is not None, "an object is awake or packed"
            value = self._value = self._packer.unpack(self._packed)
        return value

    def rest(self, packer: Packer) -> bool:
        """Keep only the packed form until someone reads the value again; says whether it had to be made."""
        fresh = self._packed is None
        if fresh:
            self._packed = packer.pack(self.value)
            self._packer = packer
        self._value = self._decoded = None
        return fresh

    def at_revision(self, revision: int) -> CachedObject:
        """The same state under another revision, as an event of deletion carries it."""
        value = replace_revision(self.value, self.revision, revision)
        moved = CachedObject(self.key, value, revision, self._memo)
        moved._labels = self._labels
        decoded = self._decoded
        if decoded is not None and "metadata" in decoded:
            moved._decoded = {**decoded, "metadata": {**decoded["metadata"], "resourceVersion": str(revision)}}
            self._memo.keep(moved)
        return moved

    def _read_labels(self) -> Mapping[str, str]:
        if _LABELS not in self.value:
            return _NO_LABELS
        decoded = self._decoded if self._decoded is not None else jsonio.loads(self.value)
        labels: Mapping[str, str] | None = decoded.get("metadata", {}).get("labels")
        return labels or _NO_LABELS


class CacheEvent:
    """A change of one object. For DELETED `object` is the last state under the revision of the deletion.

    `previous` is the state before the change, None for ADDED. One event is shared by all watchers.
    """

    __slots__ = ("_encoded", "object", "previous", "revision", "type")

    def __init__(self, type_: EventType, item: CachedObject, previous: CachedObject | None) -> None:
        self.type = type_
        self.object = item
        self.previous = previous
        self.revision = item.revision
        self._encoded: bytes | None = None

    @property
    def encoded(self) -> bytes:
        """The event as a line of a watch stream: `{"type":…,"object":…}` and a newline."""
        encoded = self._encoded
        if encoded is None:
            encoded = self._encoded = b'{"type":"%b","object":%b}\n' % (self.type.encode(), self.object.value)
        return encoded

    def rest(self, packer: Packer) -> bool:
        """Let the object rest, and build the line again should a watcher still want it."""
        self._encoded = None
        fresh = self.object.rest(packer)
        return (self.previous is not None and self.previous.rest(packer)) or fresh

    def __repr__(self) -> str:
        return f"CacheEvent({self.type} {self.object.key} {self.revision})"
