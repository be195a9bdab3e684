"""The answer to a plan: what moves, dips and does not fit, as far as the caller may see it (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.machinery.amounts import quantities
from headwater.machinery.objects import Object, split_key
from headwater.scheduling.plan import Plan, TargetLoad, placeable
from headwater.scheduling.world import World
from headwater.virtual.scheduling.admittance import Scope

MAX_ENTRIES: Final = 1000
"""Entries of each list of an answer."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One workload as the caller sees it: where it comes from, and the name of each of its targets that may be told."""

    workload: str
    targets: Mapping[str, str]

    def named(self, shares: Mapping[str, int]) -> dict[str, int]:
        """Replicas by name of SyncTarget."""
        return {self.targets[key]: replicas for key, replicas in shares.items() if key in self.targets}


class Report:
    """Makes the status of one plan. `world` is the world before it, `after` knows targets that the plan adds."""

    def __init__(self, scope: Scope, world: World, names: Mapping[str, tuple[str, str]]) -> None:
        self._scope = scope
        self._world = world
        self._names = names
        """Key -> (cluster, name) of SyncTargets that only the plan knows."""

    def status(self, plan: Plan) -> Object:
        """The status, workspaces still by name of their logical cluster; see `clusters_in`."""
        moves: list[Object] = []
        seen: set[str] = set()
        for move in plan.moves:
            view = self._seen(move.workload, {*move.before, *move.after})
            if view is None:
                continue
            before, after = view.named(move.before), view.named(move.after)
            moves.append({**described(move.workload), "before": before, "after": after, "cause": move.cause})
            seen.add(move.workload)
        dips: list[Object] = []
        for dip in plan.dips:
            if dip.workload in seen or self._seen(dip.workload, ()) is not None:
                numbers = {"wanted": dip.wanted, "floor": dip.floor, "cause": dip.cause}
                dips.append({**described(dip.workload), **numbers})
        unplaced: list[Object] = []
        for each in plan.unplaced:
            if each.workload in seen or self._seen(each.workload, ()) is not None:
                reasons = list(each.reasons) if self._may_hear(each.workload) else []
                lacks = {"replicas": each.replicas} | ({"targets": each.targets} if each.targets else {})
                unplaced.append({**described(each.workload), **lacks, "reasons": reasons})
        counts = {"moves": len(moves), "dips": len(dips), "unplaced": len(unplaced)}
        status: Object = {
            "moves": moves[:MAX_ENTRIES],
            "dips": dips[:MAX_ENTRIES],
            "unplaced": unplaced[:MAX_ENTRIES],
            "summary": {"workloads": self._count(plan), **counts},
        }
        mine = [load for load in plan.targets if self._is_mine(load.key)]
        loads = sorted((_load(self._target_name(load.key), load) for load in mine), key=lambda load: str(load["name"]))
        if self._scope.targets is None or self._scope.targets:
            status["targets"] = loads[:MAX_ENTRIES]
        if max(len(loads), *counts.values()) > MAX_ENTRIES:
            status["truncated"] = True
        return status

    def _cluster_and_name(self, key: str) -> tuple[str, str]:
        target = self._world.target(key)
        return (target.cluster, target.name) if target is not None else self._names.get(key, ("", key))

    def _target_name(self, key: str) -> str:
        return self._cluster_and_name(key)[1]

    def _is_mine(self, key: str) -> bool:
        return self._scope.sees_target(self._cluster_and_name(key)[0], key)

    def _is_own(self, workload: str) -> bool:
        return self._scope.own and cluster_of(workload) == self._scope.cluster

    def _seen(self, workload: str, keys: Iterable[str]) -> _Seen | None:
        """None for a workload that the caller may not know of."""
        known = self._world.workload(workload)
        told = {*keys, *(known.current if known is not None else ())}
        if not self._is_own(workload):
            told = {key for key in told if self._is_mine(key)}
            if not told:
                return None
        return _Seen(workload, self._named(told))

    def _named(self, keys: set[str]) -> dict[str, str]:
        """Names, with the logical cluster in front where two targets share one."""
        found = {key: self._cluster_and_name(key) for key in sorted(keys)}
        shared = Counter(target for _, target in found.values())
        return {
            key: target if shared[target] == 1 else f"{cluster}/{target}" for key, (cluster, target) in found.items()
        }

    def _may_hear(self, workload: str) -> bool:
        """Reasons name SyncTargets: to an owner of some of them they are told if the workload can use no others."""
        if self._is_own(workload):
            return True
        known = self._world.workload(workload)
        policies = [self._world.policy(uid) for uid in known.policies] if known is not None else []
        return all(policy is not None and policy.location_cluster == self._scope.cluster for policy in policies)

    def _count(self, plan: Plan) -> int:
        """Workloads that the caller sees, moved or not: those on a target, and those that a Placement selects."""
        moved = {move.workload: {*move.before, *move.after} for move in plan.moves}
        visible = {each for each in plan.workloads if self._seen(each, moved.get(each, ())) is not None}
        for target in self._world.targets(self._scope.cluster):
            if self._is_mine(target.key):
                visible.update(self._world.on_target(target.key))
        if self._scope.own:
            visible.update(each for each in ids_in(self._world, self._scope.cluster) if placeable(self._world, each))
        return len(visible)


def ids_in(world: World, cluster: str) -> list[str]:
    """Ids of the workloads of a logical cluster."""
    mark = f" {cluster}|"
    return [workload for workload in world.workloads() if mark in workload]


def cluster_of(workload: str) -> str:
    """The logical cluster in a workload's id."""
    return split_key(workload.partition(" ")[2])[0]


def described(workload: str) -> Object:
    """What an id says: resource, namespace and name; the workspace by the name of its logical cluster."""
    resource, _, key = workload.partition(" ")
    cluster, space, object_name = split_key(key)
    return {"workspace": cluster, "resource": resource.rstrip("."), "namespace": space, "name": object_name}


def clusters_in(status: Object) -> set[str]:
    """The logical clusters that a status names."""
    return {entry["workspace"] for part in ("moves", "dips", "unplaced") for entry in status[part]}


def with_paths(status: Object, paths: Mapping[str, str]) -> None:
    """Put paths in the place of logical cluster names."""
    for part in ("moves", "dips", "unplaced"):
        for entry in status[part]:
            entry["workspace"] = paths.get(entry["workspace"], entry["workspace"])


def _load(target: str, load: TargetLoad) -> Object:
    shown: Object = {"name": target, "before": quantities(load.before), "after": quantities(load.after)}
    if load.allocatable is not None:
        shown["allocatable"] = quantities(load.allocatable)
    return shown
