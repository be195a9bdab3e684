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

    An object that rests is decoded anew when it is read, so the same state may be another dict later.
    """

    def __init__(self, indexers: Mapping[str, IndexFunction] | None = None) -> None:
        self._objects: dict[str, Object | bytes] = {}
        self._packer = Packer()
        self._awake: list[str] = []
        self._resting: list[str] = []
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

    def put(self, key: str, obj: Object) -> Object | None:
        """Store an object; returns the one that it replaces."""
        old = self.get(key)
        self._objects[key] = obj
        self._awake.append(key)
        for name, function in self._indexers.items():
            if old is not None:
                self._leave(name, function, key, old)
            self._enter(name, function, key, obj)
        return old

    def remove(self, key: str) -> Object | None:
        """Take an object out; returns it."""
        old = self.get(key)
        if old is not None:
            del self._objects[key]
            for name, function in self._indexers.items():
                self._leave(name, function, key, old)
        return old

    def rest(self) -> Iterator[None]:
        """Pack what was last written or woken before the call before this one, one step for each object."""
        resting, self._resting, self._awake = self._resting, self._awake, []
        for key in resting:
            obj = self._objects.get(key)
            if isinstance(obj, dict):
                self._objects[key] = self._packer.pack(jsonio.dumps(obj))
                yield

    def _at(self, key: str) -> Object:
        found = self._objects[key]
        return self._wake(key, found) if isinstance(found, bytes) else found

    def _wake(self, key: str, packed: bytes) -> Object:
        obj: Object = jsonio.loads(self._packer.unpack(packed))
        self._objects[key] = obj
        self._awake.append(key)
        return obj

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
