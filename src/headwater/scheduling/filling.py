"""Choose fresh targets: the best that the spread constraints allow, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.scheduling.arrays import Bools, Ints, crowds, filled, hash_of, mixed, none_of, ranks, smallest, where
from headwater.scheduling.candidates import Candidates
from headwater.scheduling.model import Policy


@dataclass(frozen=True, slots=True)
class Liking:
    """How a policy likes its candidates, apart from the crowd: by position. `favoured` ones go before all others."""

    policy: Policy
    field: Candidates
    tenths: Ints
    favoured: Bools | None = None

    def ranks(self, positions: Ints, crowd: Ints | None) -> Ints:
        """The rank of these positions; the smallest is the best."""
        return ranks(
            self.favoured[positions] if self.favoured is not None else None,
            crowd,
            self.field.preference[positions],
            self.tenths[self.field.slots[positions]],
            mixed(hash_of(self.policy.uid), self.field.hashes[positions]),
        )


def fill(liking: Liking, taken: Sequence[int], free: Bools, wanted: int, domains_of: Bools | None = None) -> list[int]:
    """Up to `wanted` positions out of the mask `free`, best first, beside those that are taken already.

    A spread constraint counts over the values that one of `domains_of` (the free ones, when absent) or of the taken
    ones has.
    """
    if wanted <= 0 or not free.any():
        return []
    if not liking.field.domains:
        positions = where(free)
        return [int(positions[each]) for each in smallest(liking.ranks(positions, None), wanted)]
    return _fill_evenly(liking, taken, free.copy(), wanted, free if domains_of is None else domains_of)


def _fill_evenly(liking: Liking, taken: Sequence[int], left: Bools, wanted: int, domains_of: Bools) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < wanted and left.any():
        allowed, crowd = evenness(liking.policy, liking.field, [*taken, *chosen], domains_of)
        positions = where(allowed & left)
        if not positions.size:
            break
        best = int(positions[smallest(liking.ranks(positions, crowd[positions]), 1)[0]])
        left[best] = False
        chosen.append(best)
    return chosen


def evenness(policy: Policy, field: Candidates, taken: Sequence[int], domains_of: Bools) -> tuple[Bools, Ints]:
    """Where one more pick would keep the spread; and how crowded it is there, over all constraints."""
    allowed, crowd = ~none_of(len(field.slots)), filled(len(field.slots), 0)
    counted = domains_of.copy()
    counted[list(taken)] = True
    for constraint, whole in zip(policy.spread, field.domains, strict=True):
        table = whole[whole[:, counted].any(axis=1)]
        if len(table):
            counts = table[:, list(taken)].sum(axis=1)
            fullest = crowds(table, counts)
            allowed &= fullest + 1 - counts.min() <= constraint.max_skew
            crowd += fullest
    return allowed, crowd
