"""The local copy of a collection: objects by key, and indexes over them; what nobody uses rests in a packed form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from headwater.base import jsonio
from headwater.base.packing import Packer
from headwater.machinery.objects import Object

IndexFunction = Callable[[Object], Iterable[str]]
"""Index values of an object; must be a pure function of it."""


class Store:
    """Objects by key with indexes. Whoever reads an object must not change it.

    An object that rests is decoded when it is read, and held decoded for as long as it is read again and again; so the
    same state may be another dict later. Of those, ``awake`` to twice as many are held at most; 0 is no bound.
    """

    def __init__(self, indexers: Mapping[str, IndexFunction] | None = None, *, awake: int = 0) -> None:
        self._objects: dict[str, Object | bytes] = {}
        self._packer = Packer()
        self._written: list[str] = []
        self._resting: list[str] = []
        self._awake_bound = awake
        self._awake: dict[str, Object] = {}
        self._drowsy: dict[str, Object] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[str, None]]] = {name: {} for name in self._indexers}

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, key: object) -> bool:
        return key in self._objects

    def get(self, key: str) -> Object | None:
        """The object with this key."""
        found = self._objects.get(key)
        return self._wake(key, found) if isinstance(found, bytes) else found

    def peek(self, key: str) -> Object | None:
        """The object with this key, for one look: one that rests is not held decoded for the next reader."""
        found = self._objects.get(key)
        if not isinstance(found, bytes):
            return found
        return self._awake.get(key) or self._drowsy.get(key) or self.unpack(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def keys(self) -> Collection[str]:
        """All keys; a live view."""
        return self._objects.keys()

    def list(self) -> list[Object]:
        """All objects, in no particular order."""
        return [self._at(key) for key in self._objects]

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Add an index, also over what is there already. An index of the same name must be the same function."""
        known = self._indexers.get(name)
        if known is not None:
            assert known is function, f"index {name} is defined twice, differently"
            return
        self._indexers[name] = function
        self._indexes[name] = {}
        for key in self._objects:
            self._enter(name, function, key, self._at(key))

    def by_index(self, name: str, value: str) -> list[Object]:  # type: ignore[valid-type]  # `list` is a method above
        """Objects that the index function of `name` gives `value` for. Raises KeyError for an unknown index."""
        keys = self._indexes[name].get(value)
        return [self._at(key) for key in keys] if keys else []

    def index_keys(self, name: str, value: str) -> Collection[str]:
        """Keys of the objects under an index value. Raises KeyError for an unknown index."""
        return tuple(self._indexes[name].get(value, ()))

    def pack(self, obj: Object) -> bytes:
        """The form in which an object rests here."""
        return self._packer.pack(jsonio.dumps(obj))

    def unpack(self, packed: bytes) -> Object:
        """The object of a packed form."""
        obj: Object = jsonio.loads(self._packer.unpack(packed))
        return obj

    def put(self, key: str, obj: Object, packed: bytes | None = None) -> Object | None:
        """Store an object; returns the one that it replaces. Who has its packed form lets it rest at once."""
        old = self._last(key)
        if packed is None:
            self._objects[key] = obj
            self._written.append(key)
        else:
            self._objects[key] = packed
            self._hold(key, obj)
        for name, function in self._indexers.items():
            if old is not None:
                self._leave(name, function, key, old)
            self._enter(name, function, key, obj)
        return old

    def remove(self, key: str) -> Object | None:
        """Take an object out; returns it."""
        old = self._last(key)
        if old is not None:
            del self._objects[key]
            for name, function in self._indexers.items():
                self._leave(name, function, key, old)
        return old

    def rest(self) -> Iterator[None]:
        """Pack what was last written before the call before this one, one step for each object.

        What was woken, and not read again since the call before this one, is held no longer.
        """
        resting, self._resting, self._written = self._resting, self._written, []
        self._drowsy, self._awake = self._awake, {}
        for key in resting:
            obj = self._objects.get(key)
            if isinstance(obj, dict):
                self._objects[key] = self.pack(obj)
                yield

    def _at(self, key: str) -> Object:
        found = self._objects[key]
        return self._wake(key, found) if isinstance(found, bytes) else found

    def _wake(self, key: str, packed: bytes) -> Object:
        obj = self._awake.get(key)
        if obj is None:
            obj = self._drowsy.pop(key, None) or self.unpack(packed)
            self._hold(key, obj)
        return obj

    def _hold(self, key: str, obj: Object) -> None:
        if len(self._awake) >= self._awake_bound > 0:
            self._drowsy, self._awake = self._awake, {}
        self._awake[key] = obj

    def _last(self, key: str) -> Object | None:
        """An object that is about to lose its place; None when there is none."""
        last = self.peek(key)
        self._awake.pop(key, None)
        self._drowsy.pop(key, None)
        return last

    def _enter(self, name: str, function: IndexFunction, key: str, obj: Object) -> None:
        index = self._indexes[name]
        for value in function(obj):
            index.setdefault(value, {})[key] = None

    def _leave(self, name: str, function: IndexFunction, key: str, obj: Object) -> None:
        index = self._indexes[name]
        for value in function(obj):
            keys = index.get(value)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del index[value]
