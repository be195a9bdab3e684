"""Assign workloads to targets that have room for them, and keep the ledger of who is where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from headwater.scheduling.arrays import NEVER, micros
from headwater.scheduling.choosing import Choice, choices_for
from headwater.scheduling.coming import awaits
from headwater.scheduling.division import divide_gently, divide_within, with_least
from headwater.scheduling.filters import REASON_INSUFFICIENT_CAPACITY
from headwater.scheduling.lacking import rejections_of, sentences, short_of
from headwater.scheduling.workload import NOWHERE, Assignment, Workload
from headwater.scheduling.world import World

_AWAITS: Final = f"{REASON_INSUFFICIENT_CAPACITY}: it stays where it is until others have left the room that it gets"


def assign(world: World, workload_id: str, now: datetime, *, rejections: bool = False) -> Assignment:
    """The targets of a workload and what each should run, as the world is; it is not changed.

    What is placed is not moved for capacity. Nothing that comes over-commits a resource; what is in use keeps its
    workload even where it does. Raises KeyError for an unknown workload.
    """
    workload = world.workload(workload_id)
    if workload is None:
        raise KeyError(workload_id)
    choices = choices_for(world, workload, micros(now))
    return assignment_of(world, workload, choices, now, rejections=rejections)


def assignment_of(
    world: World, workload: Workload, choices: Sequence[Choice], now: datetime, *, rejections: bool = False
) -> Assignment:
    """What the choices of a workload's policies come to."""
    shares: dict[str, int] = {}
    missing = 0 if choices else workload.replicas
    lacking = not choices
    divided = [choice for choice in choices if choice.policy.divided]
    for choice in choices:
        if not choice.policy.divided:
            picks = [*choice.fit, *choice.held]
            shares.update((choice.key(each), workload.replicas) for each in picks)
            few = short_of(workload, choice, shares)
            missing += workload.replicas * few
            lacking |= few > 0
    if divided:
        parts = _divided(world, workload, divided, frozenset(shares))
        if parts or not shares:  # Else all replicas run wherever they are duplicated.
            missing += workload.replicas - sum(parts.values())
            lacking |= missing > 0 or not parts
        shares.update(parts)
    short = sum(short_of(workload, choice, shares) for choice in divided)
    lacking |= short > 0
    moves = bool(workload.current)
    waits = moves and awaits(world, workload, choices, shares)
    reasons = sentences(world, workload, choices, shares) if lacking else ()
    return Assignment(
        shares,
        bool(divided),
        missing,
        (_AWAITS, *reasons) if waits and lacking else reasons,
        rejections_of(world, workload, choices, now) if rejections else (),
        waits,
        moves and any(choice.held for choice in choices),
        short,
    )


def record(world: World, workload_id: str, assignment: Assignment) -> None:
    """Take over an assignment that is carried out: its targets are charged, those that are left are credited."""
    workload = world.workload(workload_id)
    if workload is None:
        raise KeyError(workload_id)
    if workload.current != assignment.shares or workload.leaving:
        world.put_workload(workload.placed(dict(assignment.shares)))


def begin(world: World, workload_id: str, assignment: Assignment) -> None:
    """Take over an assignment that is yet to be carried out: its targets are charged, and what is left stays charged.

    It does until somebody puts the workload into the world without it. What awaits room leaves nothing yet: else two
    workloads that wait for each other's room would both wait for ever.
    """
    workload = world.workload(workload_id)
    if workload is None:
        raise KeyError(workload_id)
    current = {**workload.current, **assignment.shares} if assignment.awaits else assignment.shares
    left = {key: more for key, replicas in workload.charged.items() if (more := replicas - current.get(key, 0)) > 0}
    if workload.current != current or workload.leaving != left:
        world.put_workload(workload.placed(dict(current), left or NOWHERE))


def assign_all(world: World, ids: Iterable[str], now: datetime) -> dict[str, Assignment]:
    """Assign workloads one after the other in the order of their ids, each charged before the next is asked."""
    result: dict[str, Assignment] = {}
    for workload_id in sorted(ids):
        result[workload_id] = assign(world, workload_id, now)
        record(world, workload_id, result[workload_id])
    return result


def _divided(world: World, workload: Workload, choices: Sequence[Choice], duplicated: frozenset[str]) -> dict[str, int]:
    """Shares of the targets of all policies that divide; the first of these says how.

    A target that only stays gets no more before the others are full, and a lost one never does. One that is held
    keeps what the others have no room for.
    """
    policy = choices[0].policy
    room: dict[str, int] = {}
    limits: dict[str, int] = {}
    names: dict[str, str] = {}
    for choice in choices:
        there = choice.candidates
        for position in choice.fit:
            target = there.target(position)
            if target.key in duplicated or target.key in room:
                continue
            names[target.key] = target.name
            now = workload.current.get(target.key, 0)
            room[target.key] = now if there.lost_at[position] < NEVER else world.room(target.key, workload)
            limits[target.key] = room[target.key] if there.admits[position] else now
    current = {key: workload.current.get(key, 0) for key in room}
    if policy.divide_by == "Weights":
        weights = {key: policy.weights.get(names[key], 0 if policy.weights else 1) for key in room}
        shares = divide_within(workload.replicas, weights, limits)
    else:
        weights = _more(room, current)
        shares = divide_gently(workload.replicas, current, weights, limits)
    left = workload.replicas - sum(shares.values())
    if left and limits != room:
        more = divide_within(left, weights, {key: room[key] - shares[key] for key in room})
        shares = {key: share + more[key] for key, share in shares.items()}
        left -= sum(more.values())
    shares = _on_enough(workload, choices, shares, weights, limits, duplicated)
    held = {choice.key(each) for choice in choices for each in choice.held} - duplicated - set(shares)
    for key in sorted(held):
        if kept := min(left, workload.current[key]):
            shares[key] = kept
            left -= kept
    if policy.divide_by == "FreeCapacity" and workload.replicas:
        return {key: share for key, share in shares.items() if share or key in workload.current}
    return shares


def _on_enough(
    workload: Workload,
    choices: Sequence[Choice],
    shares: dict[str, int],
    weights: Mapping[str, int],
    limits: Mapping[str, int],
    duplicated: frozenset[str],
) -> dict[str, int]:
    """The shares, with a replica on `targets.min` targets of each policy, where there are as many replicas.

    By free capacity nothing that runs is moved for that: only what comes, or what is taken away, is shared out so.
    """
    useful = any(weights.values())
    floors: Mapping[str, int] = {}
    if choices[0].policy.divide_by == "FreeCapacity":
        now = {key: workload.current.get(key, 0) for key in shares}
        if workload.replicas < sum(now.values()):
            limits = {key: min(limit, now[key]) for key, limit in limits.items()}
        else:
            floors = now
    else:
        limits = {key: limit if weights[key] or not useful else 0 for key, limit in limits.items()}
    for choice in choices:
        keys = {choice.key(each) for each in choice.fit}
        shares = with_least(
            shares,
            min(choice.policy.minimum, workload.replicas) - len(keys & duplicated),
            weights,
            limits,
            among=sorted(keys & shares.keys()),
            current=workload.current,
            floors=floors,
        )
    return shares


def _more(room: Mapping[str, int], current: Mapping[str, int]) -> dict[str, int]:
    """How many more replicas fit; what is unlimited counts as the most of what is limited."""
    more = {key: max(room[key] - current[key], 0) for key in room}
    most = max((each for each in more.values() if each < NEVER // 2), default=0) or 1
    return {key: each if each < NEVER // 2 else most for key, each in more.items()}
