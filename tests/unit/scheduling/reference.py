"""What the engine decides, said again in plain Python, target by target: slow, and simple enough to be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tests.unit.scheduling.fleets import NOW

from headwater.scheduling.arrays import hash_of
from headwater.scheduling.filters import reasons_against, reject
from headwater.scheduling.model import Location, Policy, SpreadConstraint, Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

_ASKED = ("Evicting", "Tainted")


class Reference:
    """Decisions over the same world; for one policy, and for workloads with duplicated replicas."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world = world
        self.policy = policy
        self.homes: dict[str, Location] = {}
        self.targets: list[Target] = []
        for target in world.targets(policy.location_cluster):
            for location in world.locations(policy.location_cluster):
                if policy.selects(location) and location.holds(target) and self._selected(target):
                    self.homes[target.key] = location
                    self.targets.append(target)
                    break

    def _selected(self, target: Target) -> bool:
        named = not self.policy.target_names or target.name in self.policy.target_names
        return named and self.policy.target_selector.matches(target.labels)

    def home(self) -> set[str]:
        """Keys of the home targets."""
        weights = self.policy.weights if self.policy.divided and self.policy.divide_by == "Weights" else {}
        weigh = any(weights.get(target.name, 0) for target in self.targets)
        followed = [each.key for each in self.targets if each.key in self._common_ground() and not self._reasons(each)]
        return self._choose(
            [*self.policy.current, *(key for key in followed if key not in self.policy.current)],
            lambda target: True,
            lambda target: weigh and weights.get(target.name, 0) > 0,
            [],
        )

    def _common_ground(self) -> set[str]:
        """Where all workloads of the policy run, if nobody else has a say about them."""
        runs = [
            (each.policies, {key for key, replicas in each.current.items() if replicas})
            for each in map(self.world.workload, self.world.workloads())
            if each is not None and self.policy.uid in each.policies and any(each.current.values())
        ]
        if not runs or any(len(uids) > 1 for uids, _ in runs):
            return set()
        return set.intersection(*(keys for _, keys in runs))

    def assign(self, workload: Workload) -> set[str]:
        """Keys of the targets of a workload."""
        current = sorted(workload.current, key=lambda key: key not in self.policy.current)
        fits = {target.key: self._fits(target, workload) for target in self.targets}
        return self._choose(
            current,
            lambda target: fits[target.key],
            lambda target: target.key in self.policy.current,
            [target for target in self.targets if reject(target, self.policy, NOW, in_use=False) is None],
        )

    def _fits(self, target: Target, workload: Workload) -> bool:
        free = self.world.free(target.key) or {}
        more = workload.replicas - workload.leaving.get(target.key, 0)
        return more <= 0 or all(
            amount * more <= free[resource] for resource, amount in workload.request.items() if resource in free
        )

    def _choose(
        self,
        current: Sequence[str],
        fits: Callable[[Target], bool],
        favoured: Callable[[Target], bool],
        counted: Iterable[Target],
    ) -> set[str]:
        by_key = {target.key: target for target in self.targets}
        in_use = [by_key[key] for key in current if key in by_key]
        kept, suspended, held = [], [], []
        for target in in_use:
            reasons = self._reasons(target)
            if not reasons:
                kept.append(target)
            elif not set(reasons) & set(_ASKED):
                (suspended if reasons == ["NotReady"] and self._mass_loss() else held).append(target)
        picks = [*kept, *suspended][: self.policy.maximum]
        fresh = [
            target
            for target in self.targets
            if target not in in_use and reject(target, self.policy, NOW, in_use=False) is None
        ]
        universe = list(counted) or list(fresh)
        left = [target for target in fresh if fits(target)]
        while left and len(picks) < self.policy.maximum:
            counts = [self._counts(constraint, picks, universe) for constraint in self.policy.spread]
            allowed = [target for target in left if self._even(target, counts)]
            if not allowed:
                break
            best = min(allowed, key=lambda target: (not favoured(target), *self._rank(target, counts)))
            picks.append(best)
            left.remove(best)
        return {target.key for target in [*picks, *held][: self.policy.maximum]}

    def _reasons(self, target: Target) -> list[str]:
        return [each.reason for each in reasons_against(target, self.policy, NOW, in_use=True)]

    def _mass_loss(self) -> bool:
        there = self.world.targets(self.policy.location_cluster)
        lost = sum(target.not_ready_since is not None for target in there)
        return lost >= 3 and lost > len(there) - lost

    def _domains(self, constraint: SpreadConstraint, target: Target) -> tuple[str, ...]:
        if constraint.by == "cell":
            return target.cells or ("",)
        if constraint.by == "location":
            return (self.homes[target.key].name,)
        return (target.labels.get(constraint.label, ""),)

    def _counts(self, constraint: SpreadConstraint, picks: list[Target], universe: list[Target]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for target in [*universe, *picks]:
            counts.update(dict.fromkeys(self._domains(constraint, target), 0))
        for target in picks:
            counts.update(self._domains(constraint, target))
        return counts

    def _fullest(self, target: Target, counts: list[Counter[str]]) -> list[int]:
        return [
            max(count[domain] for domain in self._domains(constraint, target))
            for constraint, count in zip(self.policy.spread, counts, strict=True)
        ]

    def _even(self, target: Target, counts: list[Counter[str]]) -> bool:
        return all(
            fullest + 1 - min(count.values()) <= constraint.max_skew
            for constraint, count, fullest in zip(
                self.policy.spread, counts, self._fullest(target, counts), strict=True
            )
        )

    def _rank(self, target: Target, counts: list[Counter[str]]) -> tuple[int, int, int, int]:
        preference = sum(each.weight for each in self.policy.preferences if each.matches(target))
        free = self.world.free(target.key) or {}
        shares = [10 * free[each] // limit for each, limit in (target.allocatable or {}).items() if limit]
        tenths = min([10, *(max(share, 0) for share in shares)])
        return sum(self._fullest(target, counts)), -preference, -tenths, _mixed(self.policy.uid, target.key) >> 26


def _mixed(uid: str, key: str) -> int:
    """The finalizer of splitmix64."""
    bits = hash_of(uid) ^ hash_of(key)
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
    return bits ^ bits >> 31
