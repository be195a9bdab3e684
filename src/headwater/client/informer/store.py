"""The local copy of a collection: objects by key, and indexes over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from headwater.machinery.objects import Object

IndexFunction = Callable[[Object], Iterable[str]]
"""Index values of an object; must be a pure function of it."""


class Store:
    """Objects by key with indexes. Whoever reads an object must not change it."""

    def __init__(self, indexers: Mapping[str, IndexFunction] | None = None) -> None:
        self._objects: dict[str, Object] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[str, None]]] = {name: {} for name in self._indexers}

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, key: object) -> bool:
        return key in self._objects

    def get(self, key: str) -> Object | None:
        """The object with this key."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def keys(self) -> Collection[str]:
        """All keys; a live view."""
        return self._objects.keys()

    def list(self) -> list[Object]:
        """All objects, in no particular order."""
        return list(self._objects.values())

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Add an index, also over what is there already. An index of the same name must be the same function."""
        known = self._indexers.get(name)
        if known is not None:
            assert known is function, f"index {name} is defined twice, differently"
            return
        self._indexers[name] = function
        self._indexes[name] = {}
        for key, obj in self._objects.items():
            self._enter(name, function, key, obj)

    def by_index(self, name: str, value: str) -> list[Object]:  # type: ignore[valid-type]  # `list` is a method above
        """Objects that the index function of `name` gives `value` for. Raises KeyError for an unknown index."""
        keys = self._indexes[name].get(value)
        return [self._objects[key] for key in keys] if keys else []

    def index_keys(self, name: str, value: str) -> Collection[str]:
        """Keys of the objects under an index value. Raises KeyError for an unknown index."""
        return tuple(self._indexes[name].get(value, ()))

    def put(self, key: str, obj: Object) -> Object | None:
        """Store an object; returns the one that it replaces."""
        old = self._objects.get(key)
        self._objects[key] = obj
        for name, function in self._indexers.items():
            if old is not None:
                self._leave(name, function, key, old)
            self._enter(name, function, key, obj)
        return old

    def remove(self, key: str) -> Object | None:
        """Take an object out; returns it."""
        old = self._objects.pop(key, None)
        if old is not None:
            for name, function in self._indexers.items():
                self._leave(name, function, key, old)
        return old

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
