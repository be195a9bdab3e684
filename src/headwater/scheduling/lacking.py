"""What a workload lacks: why replicas are unplaced, and why a target was not chosen for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from headwater.machinery.amounts import quantity_of
from headwater.scheduling.arrays import NEVER, Ints, none_of, short_columns, where
from headwater.scheduling.choosing import Choice, capacity, fewest, rooms
from headwater.scheduling.filters import (
    REASON_ENOUGH,
    REASON_INSUFFICIENT_CAPACITY,
    REASON_LOCATION_NOT_SELECTED,
    REASON_NO_WEIGHT,
    REASON_SPREAD,
    REASON_TARGET_NOT_SELECTED,
    reject,
)
from headwater.scheduling.home import mass_loss, spared, weighted
from headwater.scheduling.model import Rejection, Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

REASON_NO_PLACEMENT = "NoPlacement"
REASON_STAYING = "ReplicasStay"
"""Replicas are divided by free capacity, and none is moved to it from where they run."""
STAYING = "could be used, but no replica that runs elsewhere is moved for that"


def short_of(workload: Workload, choice: Choice, shares: Mapping[str, int]) -> int:
    """How many targets a choice lacks to `targets.min`.

    Of divided replicas each must run one, and no more are needed than there are replicas.
    """
    if not choice.policy.divided:
        return max(choice.policy.minimum - len(choice.fit) - len(choice.held), 0)
    used = sum(shares.get(choice.key(each), 0) > 0 for each in (*choice.fit, *choice.held))
    return max(min(choice.policy.minimum, workload.replicas) - used, 0)


def sentences(
    world: World, workload: Workload, choices: Sequence[Choice], shares: Mapping[str, int]
) -> tuple[str, ...]:
    """One sentence for each cause, which begins with the reason and a colon."""
    if not choices:
        return (f"{REASON_NO_PLACEMENT}: no Placement selects it",)
    found: list[str] = []
    for choice in choices:
        causes = _sentences_for(world, workload, choice)
        if short_of(workload, choice, shares):
            if choice.policy.divided:
                causes += _idle(world, workload, choice, shares)
            if not causes:
                most = f"no more than {len(choice.candidates.slots)} SyncTargets"
                causes = [f"{REASON_TARGET_NOT_SELECTED}: Placement {choice.policy.name} selects {most}"]
        if not causes and choice.policy.divided:
            causes = _stuck(world, workload, choice)
        found += causes
    return tuple(dict.fromkeys(found))


def _sentences_for(world: World, workload: Workload, choice: Choice) -> list[str]:
    there = choice.candidates
    if not there.locations:
        return [f"{REASON_LOCATION_NOT_SELECTED}: Placement {choice.policy.name} finds no Location"]
    if not there.slots.size:
        return [f"{REASON_TARGET_NOT_SELECTED}: Placement {choice.policy.name} selects no SyncTarget"]
    nowhere = not (workload.charged or choice.fit or choice.held or choice.policy.weights)
    notes, note = world.full(there), (world.shape(workload), fewest(workload, choice))
    if nowhere and notes.get(note):
        return notes[note]
    found = _obstacles(world, workload, choice)
    if nowhere and note in notes:
        notes[note] = found
    return found


def _obstacles(world: World, workload: Workload, choice: Choice) -> list[str]:
    there, space = choice.candidates, rooms(world, workload, choice.candidates)
    chosen = none_of(len(space))
    chosen[[*choice.fit, *choice.held]] = True
    needed = fewest(workload, choice)
    admits = there.admits & ~chosen
    if (useful := weighted(choice.policy, there)) is not None:
        admits &= useful
    cramped = where(admits & (space < needed))
    found: list[str] = []
    if cramped.size:
        lacking = " and ".join(_lacking(world, workload, there.slots[cramped], needed))
        have = f"SyncTarget {there.target(int(cramped[0])).name} has"
        if len(cramped) > 1:
            have = f"{len(cramped)} SyncTargets have"
        found.append(f"{REASON_INSUFFICIENT_CAPACITY}: {have} too little {lacking}")
    if choice.policy.divided and choice.fit and choice.wanted <= 0:
        fitting = capacity(world, workload, choice, choice.fit)
        if fitting < workload.replicas:
            found.append(
                f"{REASON_INSUFFICIENT_CAPACITY}: the {len(choice.fit)} SyncTargets that are used have room for "
                f"{fitting} of {workload.replicas} replicas"
            )
    if choice.wanted > 0 and (uneven := int((admits & (space >= needed)).sum())):
        found.append(f"{REASON_SPREAD}: {uneven} SyncTargets would make the spread too uneven")
    refused = [each for position in where(~there.admits & ~chosen).tolist() if (each := there.refusal(position))]
    if len(refused) == 1:
        return [*found, f"{refused[0].reason}: {refused[0].message}"]
    counts = Counter(each.reason for each in refused)
    return found + [f"{reason}: {count} SyncTargets" for reason, count in sorted(counts.items())]


def _stuck(world: World, workload: Workload, choice: Choice) -> list[str]:
    """Why the targets that a policy has don't take all replicas, where there are no others."""
    there, fitting = choice.candidates, capacity(world, workload, choice, choice.fit)
    if fitting >= workload.replicas:
        return []
    unfit = [*choice.held, *(each for each in choice.fit if there.lost_at[each] < NEVER)]
    found = [f"{each.reason}: {each.message}" for each in map(there.refusal, unfit) if each is not None]
    if len(choice.fit) + len(choice.held) > len(unfit):
        found.append(
            f"{REASON_INSUFFICIENT_CAPACITY}: the SyncTargets that are used have room for {fitting} of "
            f"{workload.replicas} replicas"
        )
    return found


def _idle(world: World, workload: Workload, choice: Choice, shares: Mapping[str, int]) -> list[str]:
    """Why targets that a policy with divided replicas has, or would have, run none of them."""
    there, useful = choice.candidates, weighted(choice.policy, choice.candidates)
    found: dict[str, list[str]] = {}
    for position in range(len(there.slots)):
        target = there.target(position)
        if shares.get(target.key) or not (there.admits[position] or position in choice.fit):
            continue
        if useful is not None and not useful[position]:
            found.setdefault(REASON_NO_WEIGHT, []).append(f"SyncTarget {target.name} has no weight")
        elif position not in choice.fit:
            continue
        elif (refused := there.refusal(position)) is not None:
            found.setdefault(refused.reason, []).append(refused.message)
        elif lacking := listed(shortage(world, workload, target, 1)):
            found.setdefault(REASON_INSUFFICIENT_CAPACITY, []).append(f"SyncTarget {target.name} lacks {lacking}")
        else:
            found.setdefault(REASON_STAYING, []).append(f"SyncTarget {target.name} {STAYING}")
    return [f"{reason}: {each[0] if len(each) == 1 else f'{len(each)} SyncTargets'}" for reason, each in found.items()]


def _lacking(world: World, workload: Workload, slots: Ints, replicas: int) -> list[str]:
    """Resources of which one of these targets has too little."""
    shape = world.shape(workload)
    free = world.capacity()[0][slots[:, None], shape.columns]
    return [shape.names[each] for each in short_columns(free, shape.amounts, replicas)]


def rejections_of(world: World, workload: Workload, choices: Sequence[Choice], now: datetime) -> tuple[Rejection, ...]:
    """The first reason against each target that a policy selects and none has chosen, by key."""
    chosen = {choice.key(each) for choice in choices for each in choice.fit}
    found: dict[str, Rejection] = {}
    for choice in choices:
        space = rooms(world, workload, choice.candidates)
        for position in range(len(space)):
            key = choice.key(position)
            if key not in chosen and key not in found:
                found[key] = rejection_of(world, workload, choice, position, int(space[position]), now)
    return tuple(found[key] for key in sorted(found))


def rejection_of(
    world: World, workload: Workload, choice: Choice, position: int, space: int, now: datetime
) -> Rejection:
    """The first reason for which a policy did not choose a candidate."""
    there, target = choice.candidates, choice.candidates.target(position)
    if target.key in workload.current:
        if there.suspended[position]:
            return mass_loss(world, target)
        kept = reject(target, choice.policy, now, in_use=True)
        if kept is not None:
            return kept
    refused = there.refusal(position)
    if refused is not None:
        return refused
    useful = weighted(choice.policy, there)
    if useful is not None and not useful[position]:
        return Rejection(target, REASON_NO_WEIGHT, f"SyncTarget {target.name} has no weight")
    needed = fewest(workload, choice)
    if space < needed:
        lacking = listed(shortage(world, workload, target, needed))
        return Rejection(target, REASON_INSUFFICIENT_CAPACITY, f"SyncTarget {target.name} lacks {lacking}")
    return spared(target, REASON_ENOUGH if choice.wanted <= 0 else REASON_SPREAD)


def shortage(world: World, workload: Workload, target: Target, replicas: int) -> dict[str, str]:
    """Resource name -> how much more of it a target must have free to run so many replicas, with those that it runs.

    Amounts are as people write them. Empty where they fit.
    """
    free = world.free(target.key) or {}
    more = max(replicas - workload.charged.get(target.key, 0), 0)
    lacking = {
        resource: amount * more - free[resource]
        for resource, amount in workload.request.items()
        if more and resource in free and amount * more > free[resource]
    }
    return {resource: quantity_of(resource, amount) for resource, amount in sorted(lacking.items())}


def listed(amounts: Mapping[str, str]) -> str:
    """`200m cpu and 1Gi memory`."""
    return " and ".join(f"{amount} {resource}" for resource, amount in amounts.items())
