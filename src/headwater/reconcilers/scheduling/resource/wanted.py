"""What one object should have of targets, from the engine's assignment or from what its namespace has (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from headwater.apis.placement.v1alpha1.placement import STRATEGY_IMMEDIATE
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import STATE_PENDING
from headwater.machinery.objects import Object, labels, name, nested, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.scheduling.division.step_divide import spec_diffs
from headwater.reconcilers.scheduling.resource.step_intent import Wanted
from headwater.scheduling.matching import placement_applies, selects_by_labels
from headwater.scheduling.readiness import WORKLOAD_RESOURCES, ready_as_scaled, ready_on
from headwater.scheduling.snapshot import chosen_keys
from headwater.scheduling.workload import Assignment


@dataclass(frozen=True, slots=True)
class Subject:
    """The object in question; `autoscaled` when pclusters decide about its replicas."""

    obj: Object
    group: str
    resource: str
    autoscaled: bool = False

    @property
    def keeps_running(self) -> bool:
        """True when it keeps pods running, so that leaving a target can wait for another to be ready."""
        return (self.group, self.resource) in WORKLOAD_RESOURCES


@dataclass(frozen=True, slots=True)
class Scene:
    """Around the object: its namespace, the Placements that apply to it, and what is known of targets."""

    namespace: Object
    placements: tuple[Object, ...]
    """Those of the workspace that apply to the namespace, in their order."""
    target_exists: Callable[[str], bool]
    unreachable: Collection[str]
    """Keys of the object's targets that aren't heard of; what they reported before counts for nothing."""
    runs_on: Callable[[str], bool]
    """Whether a workload of the namespace is, or may be, still on the target with this key."""

    @property
    def at_once(self) -> bool:
        """True when a Placement wants no make-before-break."""
        return any(
            nested(each, "spec", "eviction", "strategy", default="") == STRATEGY_IMMEDIATE for each in self.placements
        )


def applying(placements: Iterable[Object], namespace: Object) -> tuple[Object, ...]:
    """The Placements that apply to a namespace, oldest first, then by name."""
    found = (each for each in placements if placement_applies(each, namespace))
    return tuple(sorted(found, key=_age))


def _age(placement: Object) -> tuple[str, str]:
    return nested(placement, "metadata", "creationTimestamp", default=""), name(placement)


def selecting(obj: Object, placements: Iterable[Object], known: Iterable[str]) -> tuple[Object, ...]:
    """Those of the Placements that select a workload.

    One whose selector can't be read selects what it selected before: the workloads that have its UID in `known`.
    """
    before = frozenset(known)
    return tuple(each for each in placements if selects_by_labels(each, obj, unreadable=uid(each) in before))


def wanted_of_workload(subject: Subject, scene: Scene, assignment: Assignment) -> Wanted:
    """Targets of a workload: those that it is assigned. It leaves others when it is ready on these."""
    obj = subject.obj
    staying = {key for key in assignment.shares if scene.target_exists(key)}
    at_once = scene.at_once
    shares = dict(assignment.shares) if assignment.divided else None
    # What a target reported before it was told to drop its copy says nothing of what is left.
    silent = {*scene.unreachable, *deletion_marks(annotations_of(obj))}
    given = {key: diff.ours for key, diff in spec_diffs(obj).items()}

    def told(key: str, share: int | None) -> bool:
        """Whether a target was told its share: what it reports before that may be on the way down."""
        return share is None or not given.get(key) or max(given[key].values()) >= share

    def can_leave(key: str) -> bool:
        if at_once:
            return True
        if assignment.awaits:
            return False
        if not staying:
            return True
        if subject.keeps_running:
            if subject.autoscaled:
                return all(ready_as_scaled(obj, other, silent) for other in staying)
            return all(
                told(other, (shares or {}).get(other)) and ready_on(obj, other, (shares or {}).get(other), silent)
                for other in staying
            )
        return not scene.runs_on(key)

    return Wanted(frozenset(staying), {}, can_leave, shares, at_once)


def wanted_of_cluster_scoped(
    placements: Iterable[Object], *, target_exists: Callable[[str], bool], runs_on: Callable[[str], bool]
) -> Wanted:
    """Targets of what is in no namespace: the homes of all Placements of its workspace (as kcp has it).

    On a pcluster its name is one for all tenants, and it may reach beyond them, so it waits there until somebody says
    `Sync`. It leaves a target after the last workload of its workspace, by ``runs_on``.
    """
    homes = {key for each in placements for key in chosen_keys(each)}
    staying = frozenset(key for key in homes if target_exists(key))
    return Wanted(staying, {}, lambda key: not runs_on(key), state=STATE_PENDING)


def wanted_of_rest(scene: Scene, needed_on: Iterable[str]) -> Wanted:
    """Targets of what runs no pods: those of its namespace, and those of the workloads that need it elsewhere."""
    keys = set(target_keys(labels(scene.namespace)))
    elsewhere = {key for key in needed_on if scene.target_exists(key)}
    leaving = {
        key: at
        for key, at in deletion_marks(annotations_of(scene.namespace)).items()
        if key in keys and key not in elsewhere
    }
    staying = {key for key in keys - set(leaving) if scene.target_exists(key)} | elsewhere
    at_once = scene.at_once

    def can_leave(key: str) -> bool:
        return at_once or not staying or not scene.runs_on(key)

    return Wanted(frozenset(staying), leaving, can_leave, at_once=at_once)
