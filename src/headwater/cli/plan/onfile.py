"""Makes a plan on a file of objects, by the same functions as the control plane (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headwater.apis.workload.labels import sync_target_key
from headwater.cli.failure import CommandFailed
from headwater.cli.plan.checked import check
from headwater.cli.plan.live import API_VERSION
from headwater.machinery.amounts import quantities
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import (
    Object,
    cluster_name,
    name,
    nested,
    object_key,
    set_annotation,
    split_key,
    uid,
)
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.changes import Change, Cordon, Drain, Fail, PutLocation, PutPolicy, PutTarget, RemoveTarget
from headwater.scheduling.gather import world_from
from headwater.scheduling.model import Target
from headwater.scheduling.plan import Plan, TargetLoad, placeable, plan
from headwater.scheduling.snapshot import location_from, target_from
from headwater.scheduling.world import World

_CLUSTER_ANNOTATION = "kcp.io/cluster"
_HOSTS = ("SyncTarget", "Location")
_TENANTS = ("Placement", "Namespace")


def plan_on(objects: Sequence[Object], spec: Mapping[str, Any], now: datetime | None = None) -> Object:
    """The Plan with its status, in the form of the API. Raises CommandFailed for what the file does not hold."""
    changes = _Changes([each for each in objects if each["kind"] != "Secret"])
    world, found = changes.of(spec)
    status = _status(world, plan(world, found, now or datetime.now(UTC)), changes)
    return {"kind": "Plan", "apiVersion": API_VERSION, "spec": dict(spec), "status": status}


class _Changes:
    """Turns the spec of a plan into changes of a world."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self.objects = list(objects)
        self.names: dict[str, str] = {}
        """Key -> name of every SyncTarget, there or to come."""
        self.paths = {
            cluster_name(each): path for each in objects if (path := annotations_of(each).get(PATH_ANNOTATION, ""))
        }

    def of(self, spec: Mapping[str, Any]) -> tuple[World, list[Change]]:
        """The world before, and what changes in it. What is applied comes first, then what is named."""
        check(spec.get("apply") or ())
        applied = [self._placed(each) for each in spec.get("apply") or ()]
        world = _world(self.objects)
        found: list[Change] = [PutLocation(location_from(each)) for each in applied if each["kind"] == "Location"]
        found += [PutTarget(self._target(world, each)) for each in applied if each["kind"] == "SyncTarget"]
        self.objects = _with(self.objects, applied)
        self.names = {
            sync_target_key(cluster_name(each), name(each)): name(each)
            for each in self.objects
            if each["kind"] == "SyncTarget"
        }
        found += self._policies([each for each in applied if each["kind"] == "Placement"])
        found += [Cordon(key) for key in self._keys(spec.get("cordon"))]
        found += [Drain(key) for key in self._keys(spec.get("drain"))]
        failing = spec.get("fail") or {}
        if lost := {*self._keys(failing.get("targets")), *self._in_cells(failing.get("cells") or ())}:
            found.append(Fail(frozenset(lost)))
        return world, found + [RemoveTarget(key) for key in self._keys(spec.get("remove"))]

    def _keys(self, names: Iterable[str] | None) -> list[str]:
        found = []
        for wanted in names or ():
            keys = [key for key, known in self.names.items() if known == wanted]
            if len(keys) != 1:
                why = "holds no SyncTarget" if not keys else f"holds {len(keys)} SyncTargets"
                raise CommandFailed(f"the file {why} called {wanted!r}")
            found += keys
        return found

    def _in_cells(self, cells: Iterable[str]) -> list[str]:
        found = []
        for cell in cells:
            keys = [
                sync_target_key(cluster_name(each), name(each))
                for each in self.objects
                if each["kind"] == "SyncTarget" and cell in (nested(each, "spec", "cells", default=None) or ())
            ]
            if not keys:
                raise CommandFailed(f"no SyncTarget of the file is in cell {cell!r}")
            found += keys
        return found

    def _placed(self, given: Object) -> Object:
        """What is applied, as it will be: with what the object that is there has besides, in a logical cluster."""
        same = [each for each in self.objects if (each["kind"], name(each)) == (given["kind"], name(given))]
        wanted = cluster_name(given)
        same = [each for each in same if not wanted or cluster_name(each) == wanted]
        live = same[0] if len(same) == 1 else None
        meta = {**(live or {}).get("metadata", {}), **given["metadata"]}
        notes = {**(annotations_of(live) if live else {}), **annotations_of(given)}
        meta = {"creationTimestamp": "9999-12-31T23:59:59Z", **meta}
        result = {**(live or {}), **given, "metadata": {**meta, "annotations": notes}}
        if not cluster_name(result):
            set_annotation(result, _CLUSTER_ANNOTATION, self._only_cluster(given["kind"], name(given)))
        return result

    def _only_cluster(self, kind: str, object_name: str) -> str:
        kinds = _HOSTS if kind in _HOSTS else _TENANTS
        clusters = {cluster_name(each) for each in self.objects if each["kind"] in kinds}
        if len(clusters) > 1:
            raise CommandFailed(
                f"the file holds {', '.join(kinds)} objects of {len(clusters)} workspaces: say with the annotation "
                f"{_CLUSTER_ANNOTATION} in which {kind} {object_name!r} shall be"
            )
        return next(iter(clusters), "")

    def _target(self, world: World, sync_target: Object) -> Target:
        """A SyncTarget; one that is new is ready, and accepts all that is known in the file."""
        target = target_from(sync_target)
        if world.target(target.key) is not None or nested(sync_target, "status", "conditions", default=None):
            return target
        known = [each.accepted for each in world.targets()]
        wanted = [part for policy in world.policies() for part in policy.required.values()]
        accepted = target.accepted or frozenset().union(*known, *wanted)
        return replace(target, not_ready_since=None, not_ready_message="", accepted=accepted)

    def _policies(self, placements: Sequence[Object]) -> list[Change]:
        """Placements with the workloads that each selects, which is gathered as if they were there."""
        if not placements:
            return []
        after = _world(self.objects)
        found: list[Change] = []
        for placement in placements:
            policy = after.policy(uid(placement) or object_key(placement))
            if policy is None:
                raise CommandFailed(
                    f"Placement {name(placement)!r} can't be used: see its selectors and locationWorkspace"
                )
            found.append(PutPolicy(policy, frozenset(after.of_policy(policy.uid))))
        return found


def _world(objects: Sequence[Object]) -> World:
    try:
        return world_from(objects)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(f"the objects of the file can't be read: {error}") from error


def _with(objects: Sequence[Object], changed: Sequence[Object]) -> list[Object]:
    """The objects, with some of them replaced or added."""
    replaced = {_identity(each) for each in changed}
    return [*(each for each in objects if _identity(each) not in replaced), *changed]


def _identity(obj: Object) -> tuple[str, str, str]:
    return obj["kind"], cluster_name(obj), name(obj) + "/" + nested(obj, "metadata", "namespace", default="")


def _status(world: World, made: Plan, changes: _Changes) -> Object:
    names = {target.key: target.name for target in world.targets()} | changes.names

    def named(shares: Mapping[str, int]) -> dict[str, int]:
        return {names.get(key, key): replicas for key, replicas in shares.items()}

    def described(workload: str) -> Object:
        resource, _, key = workload.partition(" ")
        cluster, namespace, object_name = split_key(key)
        workspace = changes.paths.get(cluster, cluster)
        return {
            "workspace": workspace, "resource": resource.rstrip("."), "namespace": namespace, "name": object_name,
        }  # fmt: skip

    return {
        "moves": [
            {**described(each.workload), "before": named(each.before), "after": named(each.after), "cause": each.cause}
            for each in made.moves
        ],
        "dips": [
            {**described(each.workload), "wanted": each.wanted, "floor": each.floor, "cause": each.cause}
            for each in made.dips
        ],
        "unplaced": [
            {
                **described(each.workload),
                "replicas": each.replicas,
                **({"targets": each.targets} if each.targets else {}),
                "reasons": list(each.reasons),
            }
            for each in made.unplaced
        ],
        "targets": sorted(
            (_load(names.get(each.key, each.key), each) for each in made.targets), key=lambda each: str(each["name"])
        ),
        "summary": {
            "workloads": len(made.workloads.union(each for each in world.workloads() if placeable(world, each))),
            "moves": len(made.moves),
            "dips": len(made.dips),
            "unplaced": len(made.unplaced),
        },
    }


def _load(target: str, load: TargetLoad) -> Object:
    shown: Object = {"name": target, "before": quantities(load.before), "after": quantities(load.after)}
    return shown | ({"allocatable": quantities(load.allocatable)} if load.allocatable is not None else {})
