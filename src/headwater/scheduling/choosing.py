"""Which targets a workload keeps and gets, for each of the policies that select it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.scheduling.arrays import NEVER, Bools, Ints, none_of, room
from headwater.scheduling.candidates import Candidates
from headwater.scheduling.filling import Liking, fill
from headwater.scheduling.home import weighted
from headwater.scheduling.model import Policy
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

_MAX_NOTES = 4096


@dataclass(slots=True)
class Choice:
    """The targets of one policy for a workload, as positions among its candidates.

    `staying` are in use and stay, `fresh` come, `shared` are those of another policy that it is content with, and
    `held` are unfit and stay for want of another. `others` are keys that other policies had when this one was asked.
    """

    policy: Policy
    candidates: Candidates
    staying: list[int] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)
    shared: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    others: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> int:
        """How many targets more it may have."""
        return self.policy.maximum - len(self.staying) - len(self.fresh) - len(self.shared) - len(self.held)

    @property
    def fit(self) -> list[int]:
        """All but those that are held."""
        return [*self.staying, *self.fresh, *self.shared]

    def key(self, position: int) -> str:
        """Sync target key of a position."""
        return self.candidates.target(position).key

    def positions(self, keys: Sequence[str] | set[str] | Mapping[str, int]) -> list[int]:
        """Positions of those of the keys that are among the candidates."""
        where = self.candidates.where
        return [where[key] for key in keys if key in where]

    def holdable(self, current: Mapping[str, int]) -> list[int]:
        """What is in use for this policy and unfit, though nobody asked to give it up."""
        there = self.candidates
        return [
            each
            for each in self.positions([key for key in current if key not in self.others])
            if not (there.asked[each] or there.stays[each] or there.suspended[each])
        ]

    def keeps(self, key: str) -> bool:
        """True when the workload may stay on a target that it has."""
        position = self.candidates.where.get(key)
        return position is not None and bool(self.candidates.stays[position] or self.candidates.suspended[position])


def choices_for(world: World, workload: Workload, now: int) -> list[Choice]:
    """A choice for each of the workload's policies that the world knows; now in microseconds.

    In this order, so that what may stay stays, and deciding again changes nothing: what is in use; then home targets
    that have room; then what another policy has chosen; then any other target with room; and last, where there is
    nothing else, unfit ones that nobody asked to give up.
    """
    choices = [
        Choice(policy if workload.divisible else replace(policy, divided=False), world.candidates(uid, now))
        for uid in workload.policies
        if (policy := world.policy(uid)) is not None
    ]
    _keep(choices, workload.current)
    for choice in choices:
        if choice.wanted > 0:
            choice.others = {other.key(each) for other in choices if other is not choice for each in other.fit}
            _fill(world, workload, choice)
            choice.held += choice.holdable(workload.current)[: max(choice.wanted, 0)]
    return choices


def rooms(world: World, workload: Workload, candidates: Candidates) -> Ints:
    """How many replicas each candidate could run, with those that it runs."""
    shape = world.shape(workload)
    found = room(world.capacity()[0][candidates.slots[:, None], shape.columns], shape.amounts)
    for key, replicas in workload.charged.items():
        position = candidates.where.get(key)
        if position is not None:
            found[position] += replicas
    return found


def _keep(choices: Sequence[Choice], current: Mapping[str, int]) -> None:
    """What is in use stays, as far as the policies' maxima go: what works first, and home targets first.

    Each target counts for one policy, such that as many as possible can stay; where a policy has place for more, home
    targets that count for others count for it too. What has fewer replicas than another target has a share of them,
    and counts for a policy that divides, if there is one.
    """
    if not current:
        return
    whole = max(current.values())
    mixed = len({choice.policy.divided for choice in choices}) > 1
    shares = {key for key, replicas in current.items() if mixed and replicas < whole}
    takers = {
        key: sorted(
            (choice for choice in choices if choice.keeps(key)),
            key=lambda each: (key in shares and not each.policy.divided, key not in each.policy.current),
        )
        for key in current
    }

    def order(key: str) -> tuple[bool, bool]:
        works = any(each.candidates.stays[each.candidates.where[key]] for each in takers[key])
        return not works, not any(key in each.policy.current for each in takers[key])

    for key in sorted(current, key=order):
        _place(key, takers, set())
    for choice in choices:
        home = [key for key in choice.policy.current if key in current and choice.keeps(key)]
        there = [choice.candidates.where[key] for key in home if choice.policy.divided or key not in shares]
        choice.shared += [each for each in there if each not in choice.staying][: choice.wanted]


def _place(key: str, takers: Mapping[str, Sequence[Choice]], asked: set[str]) -> bool:
    """Let a target stay with one of its takers; those that are full may pass another one on (augmenting paths)."""
    for choice in takers[key]:
        if choice.policy.uid in asked:
            continue
        asked.add(choice.policy.uid)
        full = choice.wanted <= 0
        passed = (
            next((each for each in choice.staying if _place(choice.key(each), takers, asked)), None) if full else None
        )
        if full and passed is None:
            continue
        if passed is not None:
            choice.staying.remove(passed)
        choice.staying.append(choice.candidates.where[key])
        return True
    return False


def _fill(world: World, workload: Workload, choice: Choice) -> None:
    """Fill up a choice, on the shortest way."""
    full, note = world.full(choice.candidates), (world.shape(workload), fewest(workload, choice))
    takes_over = choice.policy.divided and note[1] > 1
    if note in full and not (choice.others or takes_over or workload.leaving):
        return
    homes = _fitting_homes(world, workload, choice, note[1])
    if homes is not None:
        choice.fresh += homes
        return
    filler = Filler(world, workload, choice)
    filler.fill()
    if takes_over and capacity(world, workload, choice, choice.fit) == workload.replicas:
        filler.take_any()
    if not (workload.current or choice.policy.weights or filler.fresh.any()):
        if len(full) >= _MAX_NOTES:
            full.clear()
        full[note] = []


def _fitting_homes(world: World, workload: Workload, choice: Choice, need: int) -> list[int] | None:
    """The home targets, where they are exactly as many as are wanted, have room, and nothing else is to be weighed.

    That is how most workloads start, and spares them the ranking of all candidates, which would come to the same.
    """
    policy, there = choice.policy, choice.candidates
    if choice.others or there.domains or policy.weights or len(workload.current) > len(choice.staying):
        return None
    keys = [key for key in policy.current if key not in workload.current]
    homes = [
        each for each in choice.positions(keys) if there.admits[each] and world.room(choice.key(each), workload) >= need
    ]
    if len(homes) != choice.wanted:
        return None
    if policy.divided and capacity(world, workload, choice, [*choice.fit, *homes]) < workload.replicas:
        return None
    return homes


def capacity(world: World, workload: Workload, choice: Choice, positions: Sequence[int]) -> int:
    """How many replicas these could run together, counted as far as is asked for. Nothing more goes to a lost one."""
    total = 0
    for each in positions:
        key = choice.key(each)
        lost = choice.candidates.lost_at[each] < NEVER
        total += workload.current.get(key, 0) if lost else world.room(key, workload)
    return min(total, workload.replicas)


class Filler:
    """Fills up one choice. `fresh` are the candidates that may come and have room, which `liking` ranks."""

    def __init__(self, world: World, workload: Workload, choice: Choice) -> None:
        self._choice = choice
        self._world = world
        self._workload = workload
        policy, candidates = choice.policy, choice.candidates
        self.room = rooms(world, workload, candidates)
        self.home = none_of(len(candidates.slots))
        self.home[choice.positions(policy.current)] = True
        self.liking = Liking(policy, candidates, world.capacity()[1], self.home)
        self._admits = candidates.admits
        if (useful := weighted(policy, candidates)) is not None:
            self._admits = self._admits & useful
        self.roomy = self._admits & (self.room >= fewest(workload, choice))
        self.fresh = self.roomy.copy()
        # What is in use and does not stay is there for another policy, or not to be kept.
        self.fresh[choice.positions(workload.current)] = False

    def fill(self) -> None:
        """Home targets, then those of other policies, then any."""
        choice = self._choice
        if choice.others:
            choice.fresh += self._best(self.fresh & self.home)
            shared = none_of(len(self.fresh))
            shared[choice.positions(choice.others)] = True
            choice.shared += self._best(shared & self.roomy)
        more = self._best(self.fresh)
        if more and choice.policy.divided:
            fitting = capacity(self._world, self._workload, choice, [*choice.fit, *more])
            more = more if fitting == self._workload.replicas else self._best_for_a_share()
        choice.fresh += more

    def take_any(self) -> None:
        """More targets with room for one replica, when there is nothing left to take over from an unfit one."""
        anywhere = self._admits & (self.room >= 1)
        anywhere[self._choice.positions(self._workload.current)] = False
        self._choice.fresh += self._best(anywhere)

    def _best_for_a_share(self) -> list[int]:
        """Where the best ones are too small for all replicas: those with room for an even share, else half of it…"""
        more: list[int] = []
        share = -(-self._workload.replicas // self._choice.policy.maximum)
        while share:
            more += self._best(self.fresh & (self.room >= share), more)
            share //= 2
        return more

    def _best(self, free: Bools, more: Sequence[int] = ()) -> list[int]:
        taken = [*self._choice.fit, *more]
        if taken:
            free = free.copy()
            free[taken] = False
        return fill(self.liking, taken, free, self._choice.wanted - len(more), self._admits)


def fewest(workload: Workload, choice: Choice) -> int:
    """How many replicas a target must have room for at least.

    All where they are duplicated; where they are divided one, or as many as an unfit target has that it takes over.
    """
    if not choice.policy.divided:
        return workload.replicas
    unfit = {choice.key(each) for each in choice.holdable(workload.current)}
    return max((workload.current[key] for key in unfit), default=0) or min(workload.replicas, 1)
