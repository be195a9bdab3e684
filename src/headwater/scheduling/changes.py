"""Changes of a fleet that somebody considers, made on a world."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from headwater.scheduling.candidates import required_of
from headwater.scheduling.model import Location, Policy, Target
from headwater.scheduling.tolerance import AT_ONCE
from headwater.scheduling.world import World


@dataclass(frozen=True, slots=True)
class Drain:
    """Cordon a target and send away what is there."""

    key: str


@dataclass(frozen=True, slots=True)
class Cordon:
    """Keep new workloads off a target."""

    key: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Lose targets, for longer than any grace."""

    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class PutTarget:
    """Add or replace a target. What its manifest can't say, its status, is that of the target that it replaces.

    One that is new and says nothing of its state is expected to become ready and to accept everything. A NoExecute
    taint that is new is looked at when all tolerations that end are over.
    """

    target: Target


@dataclass(frozen=True, slots=True)
class RemoveTarget:
    """Unregister a target."""

    key: str


@dataclass(frozen=True, slots=True)
class PutLocation:
    """Add or replace a location."""

    location: Location


@dataclass(frozen=True, slots=True)
class PutPolicy:
    """Add or replace a policy that selects these workloads. Without targets of its own it has those from before."""

    policy: Policy
    workloads: frozenset[str]


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    """Delete a policy."""

    uid: str


Change = Drain | Cordon | Fail | PutTarget | RemoveTarget | PutLocation | PutPolicy | RemovePolicy


@dataclass(slots=True)
class Effects:
    """What changes touched, with a sentence that says why: targets by key, policies by UID, workloads by id.

    `gone` are targets that stop at once, without waiting for others to take over.
    """

    targets: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    workloads: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def apply_changes(world: World, changes: Iterable[Change], now: datetime) -> Effects:
    """Make the changes in a world, in order; targets and policies that it does not know are left out."""
    effects = Effects()
    for change in changes:
        if isinstance(change, PutPolicy):
            _put_policy(world, change, effects)
        elif isinstance(change, RemovePolicy):
            _remove_policy(world, change.uid, effects)
        elif isinstance(change, PutTarget):
            _put_target(world, change.target, effects)
        elif isinstance(change, PutLocation):
            _put_location(world, change.location, effects)
        else:
            keys = sorted(change.keys) if isinstance(change, Fail) else [change.key]
            for target in filter(None, map(world.target, keys)):
                _change_target(world, target, change, effects, now)
    return effects


def _change_target(
    world: World, target: Target, change: Drain | Cordon | Fail | RemoveTarget, effects: Effects, now: datetime
) -> None:
    if isinstance(change, RemoveTarget):
        effects.targets[target.key] = f"SyncTarget {target.name} is removed"
        effects.gone.add(target.key)
        world.drop_target(target.key)
    elif isinstance(change, Fail):
        effects.targets[target.key] = f"SyncTarget {target.name} is lost"
        effects.gone.add(target.key)
        world.put_target(replace(target, not_ready_since=AT_ONCE))
    elif isinstance(change, Drain):
        effects.targets[target.key] = f"SyncTarget {target.name} is drained"
        world.put_target(replace(target, unschedulable=True, evict_after=now))
    else:
        effects.targets[target.key] = f"SyncTarget {target.name} is cordoned"
        world.put_target(replace(target, unschedulable=True))


def _put_target(world: World, target: Target, effects: Effects) -> None:
    old = world.target(target.key)
    says_nothing = target.not_ready_since is not None and not target.accepted and target.allocatable is None
    if says_nothing and old is not None:
        target = replace(
            target,
            not_ready_since=old.not_ready_since,
            not_ready_message=old.not_ready_message,
            accepted=old.accepted,
            allocatable=old.allocatable,
            requested=old.requested,
        )
    elif says_nothing:
        everything = frozenset().union(*(required_of(policy) for policy in world.policies()))
        target = replace(target, not_ready_since=None, not_ready_message="", accepted=everything)
    known = {(taint.key, taint.value, taint.effect): taint for taint in old.taints} if old is not None else {}
    taints = (
        taint
        if taint.time_added is not None
        else known.get((taint.key, taint.value, taint.effect)) or replace(taint, time_added=AT_ONCE)
        for taint in target.taints
    )
    world.put_target(replace(target, taints=tuple(taints)))
    effects.targets[target.key] = f"SyncTarget {target.name} is {'changed' if old is not None else 'added'}"


def _put_location(world: World, location: Location, effects: Effects) -> None:
    known = {each.name: each for each in world.locations(location.cluster)}
    old = known.get(location.name)
    world.put_location(location)
    for policy in world.policies():
        if policy.location_cluster == location.cluster and any(
            policy.selects(each) for each in (location, old) if each
        ):
            cause = f"Location {location.name} is {'changed' if old is not None else 'added'}"
            effects.policies.setdefault(policy.uid, cause)


def _put_policy(world: World, change: PutPolicy, effects: Effects) -> None:
    policy, old = change.policy, world.policy(change.policy.uid)
    if old is not None and not policy.current:
        policy = replace(policy, current=old.current)
    world.put_policy(policy)
    cause = f"Placement {policy.name} is {'changed' if old is not None else 'added'}"
    effects.policies[policy.uid] = cause
    before = set(world.of_policy(policy.uid))
    for workload_id in sorted(before ^ change.workloads):
        workload = world.workload(workload_id)
        if workload is None:
            continue
        uids = [uid for uid in workload.policies if uid != policy.uid]
        if workload_id in change.workloads:
            uids.append(policy.uid)
            uids.sort(key=lambda uid: _order(world, uid))
        world.put_workload(replace(workload, policies=tuple(uids)))
        effects.workloads[workload_id] = cause


def _order(world: World, uid: str) -> tuple[tuple[str, str], str]:
    policy = world.policy(uid)
    return (policy.order if policy is not None else ("", ""), uid)


def _remove_policy(world: World, uid: str, effects: Effects) -> None:
    policy = world.policy(uid)
    if policy is None:
        return
    cause = f"Placement {policy.name} is removed"
    for workload_id in world.of_policy(uid):
        workload = world.workload(workload_id)
        if workload is not None:
            rest = tuple(each for each in workload.policies if each != uid)
            world.put_workload(replace(workload, policies=rest))
            effects.workloads[workload_id] = cause
    world.drop_policy(uid)
