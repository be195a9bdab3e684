"""Pick the home targets of a policy: keep what can stay, then fill up evenly and deterministically."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from headwater.scheduling.arrays import Bools, bools, instant_of, micros
from headwater.scheduling.candidates import Candidates
from headwater.scheduling.filling import Liking, fill
from headwater.scheduling.filters import REASON_ENOUGH, REASON_MASS_LOSS, REASON_NO_WEIGHT, REASON_SPREAD, reject
from headwater.scheduling.model import Decision, Pick, Policy, Rejection, Target
from headwater.scheduling.world import World


@dataclass(frozen=True, slots=True)
class Home:
    """Positions among the candidates: fit ones that are kept, those where the workloads are, lost ones that are not
    given up, fresh ones, and unfit ones that are kept for want of another.

    `untried` are keys: see `Policy`. `idle` are positions of those that the policy had so far.
    """

    field: Candidates
    kept: list[int]
    followed: list[int]
    suspended: list[int]
    fresh: list[int]
    held: list[int]
    idle: frozenset[int]
    untried: frozenset[str] = frozenset()

    @property
    def keys(self) -> tuple[str, ...]:
        """Sync target keys, in order."""
        targets, slots = self.field.fleet.targets, self.field.slots
        positions = (*self.kept, *self.followed, *self.suspended, *self.fresh, *self.held)
        return tuple(targets[slots[each]].key for each in positions)


def pick_home(world: World, policy: Policy, now: int) -> Home:
    """The home targets for a policy that the world knows, at an instant in microseconds.

    Targets in use are kept while they may stay (least movement); the rest is filled with those that keep the
    spread even, are preferred and have most left, ties broken by a hash of policy and target, so that many policies
    use all targets alike and a new target takes over only its share. A target in use that became unfit is given up
    for another one only: taking workloads off it without a place to go to would turn an outage of the control plane's
    view into one of theirs.

    A target that was chosen and that no workload has come to yet is not in use. So what calls a move off before it
    has begun brings the home targets back to where the workloads still are, and moves nothing.
    """
    field = world.candidates(policy.uid, now)
    in_use = [position for key in policy.current if (position := field.where.get(key)) is not None]
    idle = _idle(world, policy, field)
    kept = [each for each in in_use if field.stays[each] and each not in idle][: policy.maximum]
    followed: list[int] = []
    if len(kept) < policy.maximum:
        ground = [position for key in world.ground.common(policy.uid) if (position := field.where.get(key)) is not None]
        followed = [each for each in ground if field.stays[each] and each not in in_use][: policy.maximum - len(kept)]
        kept += [each for each in in_use if each in idle and field.admits[each]][
            : policy.maximum - len(kept) - len(followed)
        ]
    wanted = policy.maximum - len(kept) - len(followed)
    suspended = [each for each in in_use if field.suspended[each]][:wanted] if wanted else []
    wanted -= len(suspended)
    fresh: list[int] = []
    placed = [*kept, *followed, *suspended]
    if wanted:
        free = field.admits
        if in_use or followed:
            free = free.copy()
            free[[*in_use, *followed]] = False
        liking = Liking(policy, field, world.capacity()[1], weighted(policy, field))
        fresh = fill(liking, placed, free, wanted)
        wanted -= len(fresh)
    unfit = (each for each in in_use if not (field.asked[each] or field.stays[each]))
    held = [each for each in unfit if each not in idle and each not in placed][:wanted]
    if not (placed or fresh or held):
        held = [each for each in in_use if each in idle and not field.asked[each]][:wanted]
    home = Home(field, kept, followed, suspended, fresh, held, idle)
    return replace(home, untried=_untried(world, policy, home))


def _idle(world: World, policy: Policy, field: Candidates) -> frozenset[int]:
    """Positions of untried targets, as long as workloads are known that could come there."""
    if not (policy.untried and world.ground.running(policy.uid)):
        return frozenset()
    keys = (key for key in policy.untried if not world.ground.runs_on(policy.uid, key))
    return frozenset(field.where[key] for key in keys if key in field.where)


def _untried(world: World, policy: Policy, home: Home) -> frozenset[str]:
    """Keys of what is chosen while workloads run elsewhere, until the first of them comes there."""
    fresh = {home.field.target(each).key for each in home.fresh} if world.ground.running(policy.uid) else set()
    waiting = fresh | (policy.untried & set(home.keys))
    return frozenset(key for key in waiting if not world.ground.runs_on(policy.uid, key))


def at_home(policy: Policy, home: Home) -> Policy:
    """The policy with these home targets."""
    return replace(policy, current=home.keys, untried=home.untried)


def weighted(policy: Policy, field: Candidates) -> Bools | None:
    """Candidates that get replicas at all, where these are divided by weights; None for all of them.

    Where none has a weight they count as equal.
    """
    if not (policy.divided and policy.divide_by == "Weights" and policy.weights):
        return None
    mask = bools(policy.weights.get(field.target(each).name, 0) > 0 for each in range(len(field.slots)))
    return mask if mask.any() else None


def choose_home(world: World, policy_uid: str, now: datetime) -> Decision:
    """The home targets for a policy, with the reasons against all others. Raises KeyError for an unknown policy.

    Depends only on what is in the world, not on the order in which it came there.
    """
    policy = world.policy(policy_uid)
    if policy is None:
        raise KeyError(policy_uid)
    home = pick_home(world, policy, micros(now))
    field = home.field
    targets = [
        world.target(field.target(position).key) or field.target(position) for position in range(len(field.slots))
    ]

    placed = [*home.kept, *home.followed, *home.suspended, *home.fresh, *home.held]
    weightless = _weightless(policy, home, placed)

    def pick(position: int, kept: bool, fit: bool) -> Pick:
        fit = fit and position not in weightless
        return Pick(targets[position], field.location(position), kept=kept, fit=fit)

    picks = [pick(each, True, True) for each in home.kept]
    picks += [pick(each, False, True) for each in home.followed]
    picks += [pick(each, True, False) for each in home.suspended]
    picks += [pick(each, False, True) for each in home.fresh]
    picks += [pick(each, True, False) for each in home.held]
    chosen = {*home.kept, *home.followed, *home.fresh} - weightless
    spare_reason = REASON_ENOUGH if len(picks) >= policy.maximum else REASON_SPREAD
    refused, spare = [], []
    for position, target in enumerate(targets):
        if position in chosen:
            continue
        rejection = refusal(world, policy, home, position, now)
        if rejection is None and position in weightless:
            rejection = Rejection(target, REASON_NO_WEIGHT, f"SyncTarget {target.name} has no weight")
        if rejection is not None:
            refused.append(rejection)
        else:
            spare.append(spared(target, spare_reason))
    return Decision(tuple(picks), (*refused, *spare), field.locations, instant_of(field.until), home.untried)


def _weightless(policy: Policy, home: Home, placed: Sequence[int]) -> frozenset[int]:
    """Those of the home targets that get no replica, since others have weights and they have none."""
    useful = weighted(policy, home.field)
    if useful is None or not any(useful[each] for each in placed):
        return frozenset()
    return frozenset(each for each in placed if not useful[each])


def settle_homes(world: World, now: datetime) -> None:
    """Give each policy that has no targets its home targets."""
    for policy in world.policies():
        if not policy.current:
            world.put_policy(at_home(policy, pick_home(world, policy, micros(now))))


def refusal(world: World, policy: Policy, home: Home, position: int, now: datetime) -> Rejection | None:
    """The first reason against a candidate, given whether the policy uses it."""
    target = home.field.target(position)
    in_use = target.key in policy.current and position not in home.idle
    if in_use and home.field.suspended[position]:
        return mass_loss(world, target)
    return reject(target, policy, now, in_use=in_use)


def mass_loss(world: World, target: Target) -> Rejection:
    """Why a lost target is not given up."""
    lost, total = world.fleet().lost_in(target.cluster)
    message = f"SyncTarget {target.name} is not ready, as are {lost} of {total}: none of them is given up"
    return Rejection(target, REASON_MASS_LOSS, message)


def spared(target: Target, reason: str) -> Rejection:
    """Why a target that could be used is not."""
    if reason == REASON_ENOUGH:
        return Rejection(target, reason, f"SyncTarget {target.name} could be used, but enough others are")
    return Rejection(target, reason, f"SyncTarget {target.name} would make the spread too uneven")
