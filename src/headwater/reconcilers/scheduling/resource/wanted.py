"""What an object's namespace and Placements want of it: its targets, those to leave, and its shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from headwater.apis.placement.v1alpha1.placement import MODE_DIVIDED, STRATEGY_IMMEDIATE
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.machinery.objects import Object, labels, name, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.scheduling.resource.step_divide import divide
from headwater.reconcilers.scheduling.resource.step_intent import Wanted
from headwater.scheduling.matching import placement_applies, selects_workload
from headwater.scheduling.readiness import WORKLOAD_RESOURCES, ready_on
from headwater.scheduling.snapshot import chosen_keys


@dataclass(frozen=True, slots=True)
class Subject:
    """The object in question. `has_pods` is true for kinds with a pod template, which Placements may select."""

    obj: Object
    group: str
    resource: str

    @property
    def has_pods(self) -> bool:
        """True when the object runs pods."""
        return nested(self.obj, "spec", "template", default=None) is not None

    @property
    def keeps_running(self) -> bool:
        """True when it keeps pods running, so that leaving a target can wait for another to be ready."""
        return (self.group, self.resource) in WORKLOAD_RESOURCES


@dataclass(frozen=True, slots=True)
class Scene:
    """Around the object: its namespace, the Placements of the workspace, and what else runs in the namespace."""

    namespace: Object
    placements: tuple[Object, ...]
    target_name: Callable[[str], str]
    """Name of the SyncTarget with this key; empty when there is none."""
    runs_on: Callable[[str], bool]
    """Whether a workload of the namespace is, or may be, still on the target with this key."""


def wanted_of(subject: Subject, scene: Scene) -> Wanted:
    """Targets of the object. Kinds without pods follow their namespace, so that workloads find them there."""
    if name(scene.namespace) in UNSCHEDULED_NAMESPACES:
        return Wanted(frozenset(), {}, lambda _key: True)
    keys = set(target_keys(labels(scene.namespace)))
    leaving = {key: at for key, at in deletion_marks(annotations_of(scene.namespace)).items() if key in keys}
    applying = [placement for placement in scene.placements if placement_applies(placement, scene.namespace)]
    staying = {key for key in keys - set(leaving) if scene.target_name(key)}
    if subject.has_pods:
        staying = {key for key in staying if _stays(subject.obj, key, applying)}
        leaving = {key: at for key, at in leaving.items() if key in target_keys(labels(subject.obj))}
    shares = _shares_of(subject, staying, applying, scene.target_name)
    at_once = any(_strategy(placement) == STRATEGY_IMMEDIATE for placement in applying)

    def can_leave(key: str) -> bool:
        if at_once or not staying:
            return True
        if subject.keeps_running:
            return all(ready_on(subject.obj, other, (shares or {}).get(other)) for other in staying)
        return not scene.runs_on(key)

    return Wanted(frozenset(staying), leaving, can_leave, shares, at_once)


def _stays(obj: Object, key: str, applying: Iterable[Object]) -> bool:
    """True when a Placement that chose the target also selects the workload.

    Where none of them chose it the Namespace is about to lose it, and will say so: until then nothing is concluded.
    """
    choosers = [placement for placement in applying if key in chosen_keys(placement)]
    return not choosers or any(selects_workload(placement, obj, key) for placement in choosers)


def _shares_of(
    subject: Subject, staying: Iterable[str], applying: Iterable[Object], target_name: Callable[[str], str]
) -> dict[str, int] | None:
    """Replicas per target when a Placement divides them, else None."""
    replicas = nested(subject.obj, "spec", "replicas", default=None)
    if not subject.has_pods or not isinstance(replicas, int):
        return None
    for placement in applying:
        policy: Mapping[str, object] = nested(placement, "spec", "replicas", default=None) or {}
        if policy.get("mode") != MODE_DIVIDED:
            continue
        chosen = [key for key in staying if selects_workload(placement, subject.obj, key)]
        if not chosen:
            continue
        named = nested(placement, "spec", "replicas", "weights", default=None) or {}
        return divide(replicas, {key: named.get(target_name(key), 0 if named else 1) for key in chosen})
    return None


def _strategy(placement: Object) -> str:
    strategy: str = nested(placement, "spec", "eviction", "strategy", default="")
    return strategy
