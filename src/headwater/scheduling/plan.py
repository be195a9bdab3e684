"""What would happen if: changes tried on a copy of the world, and what moves, dips and does not fit because of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import gt

from headwater.scheduling.arrays import micros, where
from headwater.scheduling.assign import assign_all
from headwater.scheduling.changes import Change, Effects, PutTarget, apply_changes
from headwater.scheduling.division import divide, with_least
from headwater.scheduling.home import at_home, pick_home, settle_homes
from headwater.scheduling.model import Policy, Resources
from headwater.scheduling.readiness import WORKLOAD_RESOURCES
from headwater.scheduling.workload import Assignment, Workload
from headwater.scheduling.world import World

_MAX_ROUNDS = 8
"""How often what a move makes room for is looked at again."""


@dataclass(frozen=True, slots=True)
class Move:
    """Targets of a workload with the replicas on each, before and after."""

    workload: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    cause: str


@dataclass(frozen=True, slots=True)
class Dip:
    """A workload of which fewer replicas than wanted are ready for some time: `floor` at the worst instant."""

    workload: str
    wanted: int
    floor: int
    cause: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Replicas without a place, and SyncTargets that lack to `targets.min`, where more do than without the changes."""

    workload: str
    replicas: int
    reasons: tuple[str, ...]
    targets: int = 0


@dataclass(frozen=True, slots=True)
class TargetLoad:
    """What is requested on a target before and after."""

    key: str
    before: Resources
    after: Resources
    allocatable: Resources | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome of changes, each list in order of its ids."""

    moves: tuple[Move, ...]
    dips: tuple[Dip, ...]
    unplaced: tuple[Unplaced, ...]
    targets: tuple[TargetLoad, ...]

    @property
    def workloads(self) -> frozenset[str]:
        """Ids of all workloads that it tells of."""
        return frozenset(each.workload for part in (self.moves, self.dips, self.unplaced) for each in part)


def placeable(world: World, workload_id: str) -> bool:
    """Whether a workload counts for plans: a Placement selects it, or it is on a target."""
    workload = world.workload(workload_id)
    return workload is not None and bool(workload.policies or workload.current)


def plan(world: World, changes: Sequence[Change], now: datetime) -> Plan:
    """What changes would lead to in the end, when all graces are over. The world stays as it is.

    Compared with what the world comes to without them, so that what is about to happen anyway is not in it.
    """
    base = world.fork()
    base.let_go()
    settle_homes(base, now)
    waiting = {each for each in base.workloads() if improvable(base, each)} | _on_unfit(base, now)
    lacking = {each: (assigned.unplaced, assigned.short) for each, assigned in _assign(base, waiting, now).items()}
    after = base.fork()
    effects = apply_changes(after, changes, now)
    _choose_homes(after, effects, now, more=any(isinstance(change, PutTarget) for change in changes))
    for key, cause in effects.targets.items():
        for workload_id in base.on_target(key):
            effects.workloads.setdefault(workload_id, cause)
    for uid, cause in effects.policies.items():
        for workload_id in after.of_policy(uid):
            effects.workloads.setdefault(workload_id, cause)
    assigned = _assign(after, waiting | effects.workloads.keys(), now)
    moves = [_move(base, after, each, effects) for each in sorted(assigned)]
    dips = [_dip(base, after, each, effects) for each in sorted(assigned)]
    return Plan(
        tuple(move for move in moves if move.before != move.after),
        tuple(dip for dip in dips if dip.floor < dip.wanted),
        tuple(
            Unplaced(each, told.unplaced, told.reasons, told.short)
            for each, told in sorted(assigned.items())
            if any(map(gt, (told.unplaced, told.short), lacking.get(each, (0, 0))))
        ),
        tuple(_loads(base, after, effects)),
    )


def _choose_homes(world: World, effects: Effects, now: datetime, *, more: bool) -> None:
    """New homes for policies that changed, that use a target that did, or that could use one more."""
    for policy in world.policies():
        touched = [effects.targets[key] for key in policy.current if key in effects.targets]
        if not (touched or policy.uid in effects.policies or (more and len(policy.current) < policy.maximum)):
            continue
        moved = at_home(policy, pick_home(world, policy, micros(now)))
        if moved.current != policy.current:
            world.put_policy(moved)
            if policy.uid not in effects.policies:
                effects.policies[policy.uid] = touched[0] if touched else next(iter(effects.targets.values()))


def _assign(world: World, concerned: set[str], now: datetime) -> dict[str, Assignment]:
    """Assign what is concerned until nothing makes room for something else."""
    assigned: dict[str, Assignment] = {}
    for _ in range(_MAX_ROUNDS):
        before = {each: _current(world, each) for each in concerned}
        assigned |= assign_all(world, concerned, now)
        if all(_current(world, each) == current for each, current in before.items()):
            break
    return assigned


def _on_unfit(world: World, now: datetime) -> set[str]:
    """What runs on targets that a policy would give up if another one had room."""
    fields = {world.candidates(policy.uid, micros(now)) for policy in world.policies()}
    keys = {
        field.target(position).key
        for field in fields
        for position in where(~(field.stays | field.asked | field.suspended)).tolist()
    }
    return {workload_id for key in keys for workload_id in world.on_target(key)}


def improvable(world: World, workload_id: str) -> bool:
    """True for a workload that room elsewhere could change: it lacks targets or replicas, or its shares are uneven."""
    workload = world.workload(workload_id)
    if workload is None:
        return False
    current = workload.current
    policies = [policy for uid in workload.policies if (policy := world.policy(uid)) is not None]
    if len(current) < sum(policy.maximum for policy in policies):
        return True
    divided = next((policy for policy in policies if policy.divided), None) if workload.divisible else None
    if divided is None:
        return False
    if sum(current.values()) < workload.replicas:
        return True
    return divided.divide_by == "Weights" and _ideal(world, divided, workload) != current


def _ideal(world: World, policy: Policy, workload: Workload) -> dict[str, int]:
    names = {key: target.name for key in workload.current if (target := world.target(key)) is not None}
    weights = {key: policy.weights.get(name, 0 if policy.weights else 1) for key, name in names.items()}
    limits = {key: workload.replicas if weight or not any(weights.values()) else 0 for key, weight in weights.items()}
    return with_least(
        divide(workload.replicas, weights),
        min(policy.minimum, workload.replicas),
        weights,
        limits,
        among=sorted(weights),
        current=workload.current,
        floors={},
    )


def _current(world: World, workload_id: str) -> Mapping[str, int]:
    workload = world.workload(workload_id)
    return workload.current if workload is not None else {}


def _cause(effects: Effects, workload_id: str) -> str:
    return effects.workloads.get(workload_id, "there is room for it now")


def _move(before: World, after: World, workload_id: str, effects: Effects) -> Move:
    return Move(workload_id, _current(before, workload_id), _current(after, workload_id), _cause(effects, workload_id))


def _dip(before: World, after: World, workload_id: str, effects: Effects) -> Dip:
    """What is ready at the worst instant.

    What is on targets that are gone stops at once. Of the rest nothing stops before the others are ready, unless a
    Placement says at once, or it is of a kind that does not wait; but in the end there is no more than is placed.
    """
    old, new = _current(before, workload_id), _current(after, workload_id)
    wanted = sum(old.values())
    left = {key: replicas for key, replicas in old.items() if key not in effects.gone}
    floor = sum(left.values())
    placed = sum(replicas for key, replicas in new.items() if key not in effects.gone)
    if _at_once(after, workload_id):
        floor = min(floor, sum(min(replicas, new.get(key, 0)) for key, replicas in left.items()))
    return Dip(workload_id, wanted, min(floor, placed), _cause(effects, workload_id))


def _at_once(world: World, workload_id: str) -> bool:
    resource, _, group = workload_id.partition(" ")[0].partition(".")
    workload = world.workload(workload_id)
    policies = workload.policies if workload is not None else ()
    immediate = any(policy.immediate for uid in policies if (policy := world.policy(uid)) is not None)
    return immediate or (group, resource) not in WORKLOAD_RESOURCES


def _loads(before: World, after: World, effects: Effects) -> Iterable[TargetLoad]:
    keys = {target.key for world in (before, after) for target in world.targets()}
    for key in sorted(keys):
        old, new = before.requested(key), after.requested(key)
        if old != new or key in effects.targets:
            target = after.target(key) or before.target(key)
            yield TargetLoad(key, old, new, target.allocatable if target is not None else None)
