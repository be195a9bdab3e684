"""Where one workload runs, read from what the control plane and the syncers noted on it (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import HISTORY_ANNOTATION, SPEC_DIFF_ANNOTATION_PREFIX, sync_target_key
from headwater.base import jsonio
from headwater.machinery.conditions import conditions, status_of
from headwater.machinery.objects import Object, labels, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.readiness import reported_status

REASON_UNREACHABLE = "SyncTargetUnreachable"
"""Reason of a condition that a pcluster reported when it could still be reached."""
_SHORT_KEY = 8


@dataclass(frozen=True, slots=True)
class Copy:
    """A workload on one pcluster. `ready` is None while the pcluster can't be reached or has not reported."""

    name: str
    ready: int | None
    wanted: int
    reachable: bool = True
    leaving: bool = False

    @property
    def arriving(self) -> bool:
        """True until all of it is ready."""
        return not self.leaving and self.reachable and (self.ready or 0) < self.wanted

    def __str__(self) -> str:
        ready = "Unknown" if not self.reachable else "-" if self.ready is None else self.ready
        return f"{self.name} {ready}/{self.wanted}"


def target_names(placements: Iterable[Mapping[str, Any]], workloads: Iterable[Object]) -> dict[str, str]:
    """Sync target key -> name, as far as the workspace knows.

    Placements name those that they chose. A workload may have others, for want of room; its history names them, and
    the key follows from the name and the workspace of the locations.
    """
    names: dict[str, str] = {}
    clusters: set[str] = set()
    for placement in placements:
        status = placement.get("status") or {}
        names.update({each["key"]: each["syncTarget"] for each in status.get("decisions") or ()})
        clusters.update(each["path"] for each in status.get("selectedLocations") or ())
    noted = {name for workload in workloads for move in _moves(workload) for name in move["targets"]}
    return {sync_target_key(cluster, name): name for cluster in clusters for name in noted} | names


def last_targets(workload: Object) -> list[str] | None:
    """Names of the targets that the last decision gave to a workload; None when no decision is noted."""
    moves = _moves(workload)
    return [str(each) for each in moves[-1]["targets"]] if moves else None


def _moves(workload: Object) -> list[dict[str, Any]]:
    try:
        moves = jsonio.loads(annotations_of(workload).get(HISTORY_ANNOTATION) or "[]")
    except ValueError:
        return []
    found = moves if isinstance(moves, list) else []
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("targets"), list)]


def copies(
    workload: Object, names: Mapping[str, str], decided: Collection[str], unreachable: Collection[str] = ()
) -> list[Copy]:
    """The workload on each of its pclusters, by name.

    `decided` are the keys that its Placements chose, which count where the workload has no decision of its own.
    `unreachable` are names of pclusters that are known to be lost, besides those that its conditions tell of.
    """
    marks = deletion_marks(annotations_of(workload))
    wanted = last_targets(workload)
    lost = {*unreachable, *_lost(workload)}
    found = []
    for key in target_keys(labels(workload)):
        name = names.get(key, f"{key[:_SHORT_KEY]}...")
        stays = key in decided if wanted is None or "..." in wanted else name in wanted
        report = reported_status(workload, key)
        ready, share = _counts(workload, key, report)
        found.append(
            Copy(
                name,
                None if report is None or name in lost else ready,
                share,
                reachable=name not in lost,
                leaving=key in marks or (not stays and bool(wanted or decided)),
            )
        )
    return sorted(found, key=lambda each: each.name)


def readiness(workload: Object, found: Collection[Copy]) -> str:
    """`2/3`, or `Unknown/3` when a pcluster that counts can't be reached, for the workload as a whole."""
    staying = [each for each in found if not each.leaving] or list(found)
    if "numberReady" in (status := workload.get("status") or {}) or "desiredNumberScheduled" in status:
        ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    elif workload.get("kind") == "Job":
        ready, wanted = status.get("succeeded", 0), nested(workload, "spec", "completions", default=1)
    else:
        ready, wanted = status.get("readyReplicas", 0), nested(workload, "spec", "replicas", default=1)
    unknown = bool(staying) and not any(each.reachable for each in staying)
    return f"{'Unknown' if unknown else ready}/{wanted}"


def moving(found: Collection[Copy]) -> str:
    """`east -> west` while a workload moves, empty otherwise."""
    leaving = ",".join(each.name for each in found if each.leaving)
    arriving = ",".join(each.name for each in found if each.arriving and (leaving or each.ready is None))
    return f"{leaving} -> {arriving}".strip() if leaving or arriving else ""


def is_unreachable(workload: Object) -> bool:
    """True when a condition says that a pcluster of the workload can't be reached."""
    return any(each.get("reason") == REASON_UNREACHABLE for each in conditions(workload))


def scheduled(workload: Object, found: Collection[Copy]) -> str:
    """The condition Scheduled, or what the pclusters say where the control plane keeps none."""
    return status_of(workload, "Scheduled") or ("True" if any(not each.leaving for each in found) else "False")


def _lost(workload: Object) -> set[str]:
    """Names of pclusters that conditions of the workload call unreachable."""
    words = (
        each.get("message", "").split() for each in conditions(workload) if each.get("reason") == REASON_UNREACHABLE
    )
    return {after for each in words for word, after in pairwise(each) if word == "SyncTarget"}


def _counts(workload: Object, key: str, report: Mapping[str, Any] | None) -> tuple[int, int]:
    """(ready, wanted) replicas on one pcluster."""
    status = report or {}
    if workload.get("kind") == "DaemonSet":
        return int(status.get("numberReady", 0)), int(status.get("desiredNumberScheduled", 0))
    if workload.get("kind") == "Job":
        completions = int(nested(workload, "spec", "completions", default=1) or 1)
        return int(status.get("succeeded", 0)), _share(workload, key, "/completions", completions)
    wanted = nested(workload, "spec", "replicas", default=1)
    return int(status.get("readyReplicas", 0)), _share(workload, key, "/replicas", int(1 if wanted is None else wanted))


def _share(workload: Object, key: str, path: str, replicas: int) -> int:
    try:
        operations = jsonio.loads(annotations_of(workload).get(SPEC_DIFF_ANNOTATION_PREFIX + key) or "[]")
    except ValueError:
        return replicas
    for each in operations if isinstance(operations, list) else ():
        if isinstance(each, dict) and each.get("path") == path and isinstance(each.get("value"), int):
            replicas = each["value"]
    return replicas
