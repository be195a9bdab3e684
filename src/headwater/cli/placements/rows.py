"""The table of a workspace: a row for each Placement, and below it one for each workload that it places (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.apis.workload.failures import failures_of
from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.cli.amounts import NONE
from headwater.cli.placements.targets import copies, moving, readiness, scheduled, target_names
from headwater.machinery.conditions import get_condition
from headwater.machinery.labels import Selector, selector_from_label_selector
from headwater.machinery.objects import Object, controller_of, labels, name, namespace, nested

TITLES = ("NAME", "PHASE", "SCHEDULED", "READY", "TARGETS", "MOVING", "WHY")
WIDE_TITLES = (*TITLES, "LOCATION-WORKSPACE")
_SHORT = {
    "deployments": "deployment",
    "statefulsets": "statefulset",
    "daemonsets": "daemonset",
    "replicasets": "replicaset",
    "jobs": "job",
}


@dataclass(frozen=True, slots=True)
class View:
    """What a workspace has: its Placements, its Namespaces by name, and its workloads by resource.

    `unreachable` has, by (resource, namespace, name) of a workload, names of pclusters that are lost. `names` are names
    by sync target key that were seen before, for pclusters that nothing but a leaving workload speaks of any more.
    """

    placements: Sequence[Object]
    namespaces: Mapping[str, Object]
    workloads: Mapping[str, Sequence[Object]]
    unreachable: Mapping[tuple[str, str, str], Collection[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a Placement selects, with its selectors read once. One that can't be read selects nothing."""

    placement: Object
    spaces: frozenset[str]
    selector: Selector | None

    def selects(self, workload: Object) -> bool:
        if namespace(workload) not in self.spaces:
            return False
        return self.selector is None or self.selector.matches(labels(workload))


def rows(view: View) -> dict[str, tuple[str, ...]]:
    """A key -> the cells of a row, with WIDE_TITLES, in the order of the table.

    A workload that several Placements select is below each of them, and one that none selects does not appear.
    """
    everything = [
        (resource, workload)
        for resource, found in view.workloads.items()
        for workload in found
        if controller_of(workload) is None
    ]
    everything.sort(key=lambda pair: (namespace(pair[1]), pair[0], name(pair[1])))
    names = {**view.names, **target_names(view.placements, (workload for _, workload in everything))}
    choices = [_choice(placement, view.namespaces) for placement in sorted(view.placements, key=_order)]
    made: dict[int, tuple[str, ...]] = {}
    table: dict[str, tuple[str, ...]] = {}
    for choice in choices:
        below: dict[str, tuple[str, ...]] = {}
        selected: list[tuple[Object, tuple[str, ...]]] = []
        for resource, workload in everything:
            if not choice.selects(workload):
                continue
            row = made.get(id(workload))
            if row is None:
                row = made[id(workload)] = _workload_row(view, choices, resource, workload, names)
            selected.append((workload, row))
            below[f"{name(choice.placement)} {resource} {namespace(workload)}/{name(workload)}"] = row
        table[name(choice.placement)] = _placement_row(choice.placement, selected)
        table.update(below)
    return table


def _order(placement: Object) -> tuple[str, str]:
    return nested(placement, "metadata", "creationTimestamp", default=""), name(placement)


def _choice(placement: Object, namespaces: Mapping[str, Object]) -> _Choice:
    spec = placement.get("spec") or {}
    workload_selector = spec.get("workloadSelector")
    try:
        spaces = selector_from_label_selector(spec.get("namespaceSelector") or {})
        selector = None if workload_selector is None else selector_from_label_selector(workload_selector)
    except ValueError:
        return _Choice(placement, frozenset(), None)
    chosen = (each for each, obj in namespaces.items() if spaces.matches(labels(obj)))
    return _Choice(placement, frozenset(chosen) - UNSCHEDULED_NAMESPACES, selector)


def _placement_row(placement: Object, below: Sequence[tuple[Object, tuple[str, ...]]]) -> tuple[str, ...]:
    status: Mapping[str, Any] = placement.get("status") or {}
    refused = sum(bool(failures_of(workload)) for workload, _ in below)
    ready = sum(_all_ready(row[3]) and not failures_of(workload) for workload, row in below)
    targets = ",".join(each["syncTarget"] for each in status.get("decisions") or ()) or NONE
    return (
        name(placement),
        status.get("phase", "Pending"),
        (get_condition(placement, "Scheduled") or {}).get("status", "Unknown"),
        f"{ready}/{len(below)}",
        targets,
        "",
        _why(placement) or _refused(refused),
        nested(placement, "spec", "locationWorkspace", default="") or "<own>",
    )


def _all_ready(text: str) -> bool:
    ready, _, wanted = text.partition("/")
    return ready == wanted


def _refused(workloads: int) -> str:
    if not workloads:
        return ""
    return f"{workloads} workload{' is' if workloads == 1 else 's are'} refused by a pcluster"


def _why(obj: Object) -> str:
    """What keeps it from being ready or scheduled, in the words of its conditions."""
    for kind in ("Ready", "Scheduled"):
        condition = get_condition(obj, kind) or {}
        if condition.get("status") != "True" and condition.get("message"):
            return str(condition["message"])
    return ""


def _workload_row(
    view: View, choices: Sequence[_Choice], resource: str, workload: Object, names: Mapping[str, str]
) -> tuple[str, ...]:
    decided = {
        each["key"]
        for choice in choices
        if choice.selects(workload)
        for each in (choice.placement.get("status") or {}).get("decisions") or ()
    }
    lost = view.unreachable.get((resource, namespace(workload), name(workload)), ())
    found = copies(workload, names, decided, lost)
    condition = get_condition(workload, "Scheduled") or {}
    why = [str(condition.get("message", ""))] if condition.get("status") in ("False", "Unknown") else []
    why += [f"{names.get(key, key)} refuses it: {text}" for key, text in sorted(failures_of(workload).items())]
    return (
        f"  {namespace(workload)}/{_SHORT.get(resource, resource)}/{name(workload)}",
        "",
        scheduled(workload, found),
        readiness(workload, found),
        ", ".join(map(str, found)) or NONE,
        moving(found),
        "; ".join(filter(None, why)),
        "",
    )
