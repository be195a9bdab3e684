"""The one door to numpy: masks, numbers and ranks of many targets in one step.

Arrays go by the order of a fleet's targets. Instants are whole microseconds since 1970, so that comparing them is
exact; amounts are whole numbers below `UNLIMITED`. numpy is loaded with the first decision, not with this module:
commands and a control plane without targets don't pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools: TypeAlias = NDArray[np.bool_]
    Ints: TypeAlias = NDArray[np.int64]
    Hashes: TypeAlias = NDArray[np.uint64]
else:
    Bools = Ints = Hashes = Any

    class _Numpy:
        """The module numpy, imported when something of it is used first."""

        def __getattr__(self, name: str) -> Any:
            import numpy

            value = getattr(numpy, name)
            setattr(self, name, value)  # From now on found without asking.
            return value

    np = _Numpy()

UNLIMITED: Final = 2**61
"""An amount that is never used up, and an instant that never comes."""
NEVER: Final = UNLIMITED

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_CROWD, _MAX_PREFERENCE, _HASH_BITS = 2**9 - 1, 2**11 - 1, 38


def micros(instant: datetime | None) -> int:
    """Microseconds since 1970; None is never."""
    return NEVER if instant is None else (instant - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime | None:
    """The instant behind `micros`."""
    return None if microseconds >= NEVER else _EPOCH + microseconds * _MICROSECOND


def bools(values: Iterable[bool]) -> Bools:
    """A mask."""
    return np.fromiter(values, np.bool_)


def ints(values: Iterable[int]) -> Ints:
    """Numbers."""
    return np.fromiter(values, np.int64)


def table(rows: Sequence[Sequence[int]], width: int) -> Ints:
    """Rows of equal width; also without any row."""
    return np.array(rows, np.int64).reshape(len(rows), width)


def mask_table(rows: Sequence[Bools], width: int) -> Bools:
    """Masks below each other; also without any."""
    return np.array(rows, np.bool_).reshape(len(rows), width)


def filled(length: int, value: int) -> Ints:
    """The same number many times."""
    return np.full(length, value, np.int64)


def none_of(length: int) -> Bools:
    """A mask in which nothing is set."""
    return np.zeros(length, np.bool_)


def where(mask: Bools) -> Ints:
    """Positions that are set."""
    return np.flatnonzero(mask)


def later(instants: Ints, microseconds: int) -> Ints:
    """Instants moved on; never stays never."""
    return np.where(instants >= NEVER, NEVER, instants + microseconds)


def earliest_after(instants: Ints, now: int) -> int:
    """The first instant after now, or never."""
    coming = instants[instants > now]
    return int(coming.min()) if coming.size else NEVER


@lru_cache(maxsize=65536)
def hash_of(text: str) -> int:
    """64 bits that stay the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def hashes(texts: Iterable[str]) -> Hashes:
    """`hash_of` for many."""
    return np.fromiter((hash_of(text) for text in texts), np.uint64)


def mixed(seed: int, values: Hashes) -> Hashes:
    """The hash of a pair, by the finalizer of splitmix64: each seed puts the values into an order of its own."""
    mixture = values ^ np.uint64(seed)
    mixture ^= mixture >> np.uint64(30)
    mixture *= np.uint64(0xBF58476D1CE4E5B9)
    mixture ^= mixture >> np.uint64(27)
    mixture *= np.uint64(0x94D049BB133111EB)
    mixture ^= mixture >> np.uint64(31)
    return mixture


def room(free: Ints, amounts: Ints) -> Ints:
    """How many more replicas fit into each row of free amounts; 0 where something is overdrawn."""
    if not amounts.size:
        return filled(len(free), UNLIMITED)
    fits: Ints = np.where(free >= UNLIMITED, UNLIMITED, free // amounts).min(axis=1)
    return np.maximum(fits, 0)


def short_columns(free: Ints, amounts: Ints, replicas: int) -> list[int]:
    """Columns in which one of the rows has no room for so many replicas."""
    short = (free < UNLIMITED) & (free // amounts < replicas)
    return [int(each) for each in np.flatnonzero(short.any(axis=0))]


def crowds(domains: Bools, counts: Ints) -> Ints:
    """For each column of a table of domains the greatest count among those that it belongs to."""
    greatest: Ints = np.where(domains, counts[:, None], 0).max(axis=0)
    return greatest


def ranks(favoured: Bools | None, crowd: Ints | None, preference: Ints, tenths: Ints, tie: Hashes) -> Ints:
    """One number for each target that is smaller the better the target is.

    Favoured ones first, then the least crowded, the most preferred, the freest (in tenths), and last by hash.
    """
    rank = (tie >> np.uint64(64 - _HASH_BITS)).astype(np.int64)
    rank += (10 - tenths) << _HASH_BITS
    rank += (_MAX_PREFERENCE - np.minimum(preference, _MAX_PREFERENCE)) << (_HASH_BITS + 4)
    if crowd is not None:
        rank += np.minimum(crowd, _MAX_CROWD) << (_HASH_BITS + 15)
    if favoured is not None:
        rank -= favoured.astype(np.int64) << (_HASH_BITS + 24)
    return rank


def smallest(values: Ints, count: int) -> list[int]:
    """Positions of the smallest values, in ascending order; equal ones by position."""
    if count == 1 and len(values):
        return [int(values.argmin())]
    return [int(each) for each in values.argsort(kind="stable")[:count]]
