"""A dict that also keeps its keys in order: exact lookups and updates in dict time, ordered slices at list speed.

The keys lie in chunks of a few hundred, so that a new key moves a chunk and not everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Generic, TypeVar

V = TypeVar("V")
_CHUNK = 512


class SortedMap(Generic[V]):
    """An ordered map of str keys. A bound is half open, [low, high); `high` None means no upper bound."""

    __slots__ = ("_chunks", "_items", "_maxima")

    def __init__(self) -> None:
        self._items: dict[str, V] = {}
        self._chunks: list[list[str]] = []
        self._maxima: list[str] = []

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        return self._items.get(key)

    def set(self, key: str, value: V) -> V | None:
        """Put a value, and return the one that it replaces, or None."""
        previous = self._items.get(key)
        self._items[key] = value
        if previous is None:
            self._insert(key)
        return previous

    def pop(self, key: str) -> V | None:
        """Remove a key and return what it had, or None."""
        previous = self._items.pop(key, None)
        if previous is None:
            return None
        at = bisect_left(self._maxima, key)
        keys = self._chunks[at]
        del keys[bisect_left(keys, key)]
        if keys:
            self._maxima[at] = keys[-1]
        else:
            del self._chunks[at], self._maxima[at]
        return previous

    def extend(self, pairs: Iterable[tuple[str, V]]) -> None:
        """Append pairs that are in ascending order and above every key present: the fast way to load."""
        pairs = list(pairs)
        self._items.update(pairs)
        keys = [key for key, _ in pairs]
        chunks = [keys[at : at + _CHUNK] for at in range(0, len(keys), _CHUNK)]
        self._chunks += chunks
        self._maxima += [chunk[-1] for chunk in chunks]

    def values(self, low: str = "", high: str | None = None, limit: int = 0) -> list[V]:
        """The values of the keys in [low, high) in key order, at most `limit` (0: all)."""
        found: list[str] = []
        for at in range(bisect_left(self._maxima, low), len(self._maxima)):
            keys = self._chunks[at]
            start = bisect_left(keys, low) if keys[0] < low else 0
            if high is not None and self._maxima[at] >= high:
                found += keys[start : bisect_left(keys, high)]
                break
            found += keys[start:] if start else keys
            if 0 < limit <= len(found):
                break
        return list(map(self._items.__getitem__, found[:limit] if limit else found))

    def count(self, low: str = "", high: str | None = None) -> int:
        """How many keys lie in [low, high)."""
        upper = len(self) if high is None else self._rank(high)
        return max(0, upper - self._rank(low))

    def _rank(self, key: str) -> int:
        at = bisect_left(self._maxima, key)
        before = sum(map(len, self._chunks[:at]))
        return before + (bisect_left(self._chunks[at], key) if at < len(self._chunks) else 0)

    def _insert(self, key: str) -> None:
        maxima = self._maxima
        if not maxima or key > maxima[-1]:
            self._append(key)
            return
        at = bisect_left(maxima, key)
        keys = self._chunks[at]
        keys.insert(bisect_left(keys, key), key)
        if len(keys) > 2 * _CHUNK:
            self._chunks[at : at + 1] = [keys[:_CHUNK], keys[_CHUNK:]]
            maxima.insert(at, keys[_CHUNK - 1])

    def _append(self, key: str) -> None:
        if self._chunks and len(self._chunks[-1]) < _CHUNK:
            self._chunks[-1].append(key)
            self._maxima[-1] = key
        else:
            self._chunks.append([key])
            self._maxima.append(key)
