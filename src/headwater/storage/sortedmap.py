"""A dict that also keeps its keys in order: exact lookups in dict time, ordered slices at list speed.

Keys and values lie side by side in chunks of a few hundred, so an insert moves a chunk and not everything, and a slice
of values is a few list slices joined.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import islice
from typing import Generic, TypeVar

V = TypeVar("V")
_CHUNK = 512


class SortedMap(Generic[V]):
    """An ordered map of str keys. A bound is half open, [low, high); `high` None means no upper bound."""

    __slots__ = ("_items", "_keys", "_maxima", "_values")

    def __init__(self) -> None:
        self._items: dict[str, V] = {}
        self._keys: list[list[str]] = []
        self._values: list[list[V]] = []
        self._maxima: list[str] = []

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        return self._items.get(key)

    def set(self, key: str, value: V) -> None:
        """Put a value, new or in place of another."""
        known = key in self._items
        self._items[key] = value
        at = bisect_left(self._maxima, key)
        if known:
            self._values[at][bisect_left(self._keys[at], key)] = value
        elif at < len(self._maxima):
            self._insert(at, bisect_left(self._keys[at], key), key, value)
        elif self._maxima:
            self._insert(at - 1, len(self._keys[at - 1]), key, value)
        else:
            self._keys, self._values, self._maxima = [[key]], [[value]], [key]

    def pop(self, key: str) -> V | None:
        """Remove a key and return what it had, or None."""
        if key not in self._items:
            return None
        at = bisect_left(self._maxima, key)
        keys, values = self._keys[at], self._values[at]
        index = bisect_left(keys, key)
        del keys[index], values[index]
        if keys:
            self._maxima[at] = keys[-1]
        else:
            del self._keys[at], self._values[at], self._maxima[at]
        return self._items.pop(key)

    def extend(self, pairs: Iterable[tuple[str, V]]) -> None:
        """Append pairs that are in ascending order and above every key present: the fast way to load."""
        rest = iter(pairs)
        while chunk := list(islice(rest, _CHUNK)):
            keys = [key for key, _ in chunk]
            self._items.update(chunk)
            self._keys.append(keys)
            self._values.append([value for _, value in chunk])
            self._maxima.append(keys[-1])

    def values(self, low: str = "", high: str | None = None, limit: int = 0) -> list[V]:
        """The values of the keys in [low, high) in key order, at most `limit` (0: all)."""
        found: list[V] = []
        for at in range(bisect_left(self._maxima, low), len(self._maxima)):
            keys = self._keys[at]
            start = bisect_left(keys, low) if keys[0] < low else 0
            last = high is not None and self._maxima[at] >= high
            found += self._values[at][start : bisect_left(keys, high) if last and high is not None else len(keys)]
            if last or 0 < limit <= len(found):
                break
        return found[:limit] if limit else found

    def count(self, low: str = "", high: str | None = None) -> int:
        """How many keys lie in [low, high)."""
        upper = len(self) if high is None else self._rank(high)
        return max(0, upper - self._rank(low))

    def _rank(self, key: str) -> int:
        at = bisect_left(self._maxima, key)
        before = sum(map(len, self._keys[:at]))
        return before + (bisect_left(self._keys[at], key) if at < len(self._keys) else 0)

    def _insert(self, at: int, index: int, key: str, value: V) -> None:
        keys, values = self._keys[at], self._values[at]
        keys.insert(index, key)
        values.insert(index, value)
        self._maxima[at] = keys[-1]
        if len(keys) > 2 * _CHUNK:
            self._keys[at : at + 1] = [keys[:_CHUNK], keys[_CHUNK:]]
            self._values[at : at + 1] = [values[:_CHUNK], values[_CHUNK:]]
            insort(self._maxima, keys[_CHUNK - 1])
