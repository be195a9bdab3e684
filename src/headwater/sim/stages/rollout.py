"""How large each ReplicaSet of a Deployment should be right now, under its strategy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.machinery.objects import Object, name

_DEFAULT = "25%"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Replicas of the new ReplicaSet, and of each old one by name."""

    new: int
    old: Mapping[str, int]


def sizes(spec: Object, new: Object | None, old: Sequence[Object]) -> Sizes:
    """The next sizes; reached one after the other as pods come and go, they end with all replicas in the new set."""
    replicas = int(spec.get("replicas", 1))
    if spec.get("paused"):
        return _paused(replicas, new, old)
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        return _recreate(replicas, new, old)
    surge, unavailable = limits(spec)
    return _rolling(replicas, new, old, surge=surge, unavailable=unavailable)


def limits(spec: Object) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods: percentages are rounded up and down, and both zero means one unavailable."""
    replicas = int(spec.get("replicas", 1))
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        return 0, replicas
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", _DEFAULT), replicas, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", _DEFAULT), replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def scaled(value: int | str, total: int, *, round_up: bool) -> int:
    """An int-or-percentage as a number of pods."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total / 100
    return math.ceil(share) if round_up else math.floor(share)


def _paused(replicas: int, new: Object | None, old: Sequence[Object]) -> Sizes:
    """A paused Deployment still scales, in the set that it runs in."""
    if new is not None:
        others = sum(map(_size, old))
        return Sizes(max(replicas - others, 0), {name(one): _size(one) for one in old})
    active = [one for one in old if _size(one)]
    kept = {name(one): _size(one) for one in old}
    if len(active) == 1:
        kept[name(active[0])] = replicas
    return Sizes(0, kept)


def _recreate(replicas: int, new: Object | None, old: Sequence[Object]) -> Sizes:
    gone = {name(one): 0 for one in old}
    running = any(_size(one) or _status(one, "replicas") for one in old)
    return Sizes((_size(new) if new else 0) if running else replicas, gone)


def _rolling(replicas: int, new: Object | None, old: Sequence[Object], *, surge: int, unavailable: int) -> Sizes:
    total = sum(map(_size, old)) + (_size(new) if new else 0)
    new_size = _size(new) if new else 0
    if new_size > replicas:
        return Sizes(replicas, {name(one): _size(one) for one in old})
    room = max(replicas + surge - total, 0)
    grown = min(new_size + room, replicas)
    if grown != new_size or new is None:
        return Sizes(grown, {name(one): _size(one) for one in old})
    return Sizes(new_size, _shrunk(replicas, new, old, unavailable))


def _shrunk(replicas: int, new: Object, old: Sequence[Object], unavailable: int) -> dict[str, int]:
    """Old sets made smaller by what may be missing: pods that don't work first, then the oldest set's."""
    kept = {name(one): _size(one) for one in old}
    minimum = replicas - unavailable
    new_missing = _size(new) - _status(new, "availableReplicas")
    budget = _size(new) + sum(kept.values()) - minimum - new_missing
    if budget <= 0:
        return kept
    ordered = sorted(old, key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
    broken_removed = 0
    for one in ordered:
        broken = min(kept[name(one)] - _status(one, "availableReplicas"), budget - broken_removed)
        if broken > 0:
            kept[name(one)] -= broken
            broken_removed += broken
    available = _status(new, "availableReplicas") + sum(_status(one, "availableReplicas") for one in old)
    surplus = available - minimum
    for one in ordered:
        taken = min(kept[name(one)], surplus)
        if taken > 0:
            kept[name(one)] -= taken
            surplus -= taken
    return kept


def _size(replica_set: Object) -> int:
    return int(replica_set["spec"].get("replicas", 1))


def _status(replica_set: Object, field: str) -> int:
    return int((replica_set.get("status") or {}).get(field) or 0)
