"""All targets and locations at one moment as arrays, with the masks that policies compile from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from headwater.machinery.labels import Selector
from headwater.scheduling.arrays import NEVER, Bools, Ints, bools, filled, hashes, ints, mask_table, micros, none_of
from headwater.scheduling.model import Location, ResourceIdentity, SpreadConstraint, Target, Toleration
from headwater.scheduling.tolerance import admitted, stays_until

_MAX_MASKS = 2048
_FEWEST_FOR_MASS_LOSS = 3


class Fleet:
    """Targets in order of their keys. Never changes: a change of a target makes another fleet.

    Masks are compiled when they are first asked for and shared by all who ask for the same.
    """

    def __init__(self, *, targets: Iterable[Target], locations: Iterable[Location]) -> None:
        self.targets = tuple(sorted(targets, key=lambda target: target.key))
        self.locations = tuple(sorted(locations, key=lambda each: (each.cluster, each.name)))
        self.slots = {target.key: slot for slot, target in enumerate(self.targets)}
        self.hashes = hashes(target.key for target in self.targets)
        self.unschedulable = bools(target.unschedulable for target in self.targets)
        self.evict_after = ints(micros(target.evict_after) for target in self.targets)
        self.not_ready_since = ints(micros(target.not_ready_since) for target in self.targets)
        self.mass_loss = self._mass_loss()
        self._masks: dict[Hashable, Bools] = {}
        self._taints: dict[tuple[Toleration, ...], tuple[Bools, Ints]] = {}

    def _mass_loss(self) -> Bools:
        """Targets of a logical cluster of which more than half are lost: rather the control plane is at fault."""
        total = Counter(target.cluster for target in self.targets)
        lost = Counter(target.cluster for target in self.targets if target.not_ready_since is not None)
        suspect = {
            cluster for cluster, count in lost.items() if count >= _FEWEST_FOR_MASS_LOSS and 2 * count > total[cluster]
        }
        return bools(target.cluster in suspect for target in self.targets)

    def lost_in(self, cluster: str) -> tuple[int, int]:
        """How many targets of a logical cluster are lost, and how many it has."""
        there = [target for target in self.targets if target.cluster == cluster]
        return sum(target.not_ready_since is not None for target in there), len(there)

    def matching(self, selector: Selector, names: frozenset[str]) -> Bools:
        """Targets that match the selector and, if given, the names."""

        def matches(target: Target) -> bool:
            return (not names or target.name in names) and selector.matches(target.labels)

        return self._mask(("matching", selector, names), matches)

    def within(self, location: Location) -> Bools:
        """Instances of a location."""
        return self._mask(("within", location.cluster, location.name), location.holds)

    def accepting(self, required: frozenset[ResourceIdentity]) -> Bools:
        """Targets that accept all these resources."""
        return self._mask(("accepting", required), lambda target: required <= target.accepted)

    def tainted(self, tolerations: tuple[Toleration, ...]) -> tuple[Bools, Ints]:
        """Targets with a taint that keeps newcomers off, and when a NoExecute taint sends away what is there."""
        found = self._taints.get(tolerations)
        if found is None:
            refused, leave_at = none_of(len(self.targets)), filled(len(self.targets), NEVER)
            for slot, target in enumerate(self.targets):
                for taint in target.taints:
                    refused[slot] |= not admitted(taint, tolerations)
                    leave_at[slot] = min(int(leave_at[slot]), micros(stays_until(taint, tolerations)))
            found = refused, leave_at
            _keep(self._taints, tolerations, found)
        return found

    def domains(self, constraint: SpreadConstraint, slots: Sequence[int], locations: Sequence[Location]) -> Bools:
        """Which values of the feature each of these targets has: a row for each value that one of them has.

        `locations` are those through which the targets are found. A target without a cell or label counts as of a
        value of its own kind.
        """
        values = [
            _values_of(constraint, self.targets[slot], there) for slot, there in zip(slots, locations, strict=True)
        ]
        names = sorted({name for each in values for name in each})
        return mask_table([bools(name in each for each in values) for name in names], len(slots))

    def _mask(self, name: Hashable, test: Callable[[Target], bool]) -> Bools:
        found = self._masks.get(name)
        if found is None:
            found = bools(map(test, self.targets))
            _keep(self._masks, name, found)
        return found


def _values_of(constraint: SpreadConstraint, target: Target, location: Location) -> tuple[str, ...]:
    if constraint.by == "cell":
        return target.cells or ("",)
    if constraint.by == "location":
        return (f"{location.cluster}/{location.name}",)
    return (target.labels.get(constraint.label, ""),)


def _keep(cache: dict[Any, Any], name: Hashable, value: Any) -> None:
    if len(cache) >= _MAX_MASKS:
        cache.clear()
    cache[name] = value
