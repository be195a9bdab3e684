"""Turn a scheduling decision into a Placement's annotation and status (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from headwater.apis.placement.v1alpha1.placement import (
    CONDITION_APIS_BOUND,
    CONDITION_READY,
    CONDITION_SCHEDULED,
    MAX_DECISIONS,
    PHASE_BOUND,
    PHASE_PENDING,
    PHASE_UNBOUND,
    REASON_INVALID_SELECTOR,
    REASON_LOCATION_NO_MATCH,
    REASON_LOCATION_NOT_FOUND,
    REASON_NO_COMPUTE_APIS,
    REASON_NO_VALID_TARGET,
    REASON_SCHEDULE_LOCATION_NOT_FOUND,
    REASON_TOO_FEW_TARGETS,
)
from headwater.apis.workload.labels import (
    PLACEMENT_TARGET_ANNOTATION,
    UNSCHEDULED_NAMESPACES,
    UNTRIED_TARGETS_ANNOTATION,
)
from headwater.machinery.conditions import WARNING, mark_false, mark_true, remove_condition
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, generation, labels, name, nested, set_annotation
from headwater.scheduling.model import Decision, Policy, ResourceIdentity
from headwater.scheduling.snapshot import chosen_keys, policy_from, untried_keys

_MAX_MESSAGE_PARTS = 4
_NO_COMPUTE_APIS = (
    "the workspace binds no compute export, so it has no workloads to place; `headwater bind compute` binds one"
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Placement's decision depends on. `location_cluster` is None when its location workspace does not exist.

    `decide` puts a policy before the engine.
    """

    location_cluster: str | None
    required: Mapping[str, frozenset[ResourceIdentity]]
    namespaces: tuple[Object, ...]
    decide: Callable[[Policy], Decision]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, or the reason for which there is none."""

    decision: Decision | None
    reason: str = ""
    message: str = ""


def choose(placement: Object, around: Surroundings) -> Outcome:
    """Decide for a Placement."""
    if around.location_cluster is None:
        workspace = nested(placement, "spec", "locationWorkspace", default="")
        return Outcome(None, REASON_LOCATION_NOT_FOUND, f"location workspace {workspace!r} does not exist")
    field = "locationSelector"
    try:
        policy = policy_from(placement, around.required, around.location_cluster)
        for field in ("namespaceSelector", "workloadSelector"):
            selector_from_label_selector(nested(placement, "spec", field, default=None))
    except ValueError as error:
        return Outcome(None, REASON_INVALID_SELECTOR, f"spec.{field}: {error}")
    decision = around.decide(policy)
    if not decision.locations:
        return Outcome(decision, REASON_LOCATION_NO_MATCH, "No valid location is found")
    return Outcome(decision)


def record_targets(placement: Object, outcome: Outcome, target_exists: Callable[[str], bool]) -> None:
    """Write the chosen targets to the Placement's annotation. Changes `placement` (metadata only).

    Nothing is concluded from a decision that could not be made: the targets in use stay, as far as they exist.
    """
    if outcome.decision is None:
        keys = tuple(filter(target_exists, chosen_keys(placement)))
        untried = tuple(filter(target_exists, untried_keys(placement)))
    else:
        keys = tuple(pick.target.key for pick in outcome.decision.picks)
        untried = tuple(sorted(outcome.decision.untried))
    if untried != untried_keys(placement):
        set_annotation(placement, UNTRIED_TARGETS_ANNOTATION, ",".join(untried) or None)
    if keys != chosen_keys(placement):
        set_annotation(placement, PLACEMENT_TARGET_ANNOTATION, ",".join(keys) or None)


def record_status(placement: Object, outcome: Outcome, around: Surroundings, now: datetime) -> None:
    """Write phase, locations, decisions and conditions. Changes `placement` (status only)."""
    status = placement.setdefault("status", {})
    status["observedGeneration"] = generation(placement)
    decision = outcome.decision
    if outcome.reason:
        mark_false(placement, CONDITION_READY, outcome.reason, "Error", outcome.message, now)
    else:
        mark_true(placement, CONDITION_READY, now)
    if around.required:
        remove_condition(placement, CONDITION_APIS_BOUND)
    else:
        mark_false(placement, CONDITION_APIS_BOUND, REASON_NO_COMPUTE_APIS, WARNING, _NO_COMPUTE_APIS, now)
    if decision is None or not decision.locations:
        if decision is not None:
            status["phase"] = PHASE_PENDING
            status.pop("selectedLocations", None)
            status.pop("decisions", None)
        why = f": {outcome.message}" if outcome.reason != REASON_LOCATION_NO_MATCH else ""
        message = f"No selected location is scheduled{why}"
        mark_false(placement, CONDITION_SCHEDULED, REASON_SCHEDULE_LOCATION_NOT_FOUND, "Warning", message, now)
        return
    status["phase"] = PHASE_BOUND if decision.picks and _bound(placement, around.namespaces) else PHASE_UNBOUND
    used = {(pick.location.cluster, pick.location.name) for pick in decision.picks}
    status["selectedLocations"] = [{"path": cluster, "locationName": each} for cluster, each in sorted(used)]
    status["decisions"] = [
        {"syncTarget": pick.target.name, "key": pick.target.key, "location": pick.location.name}
        for pick in decision.picks[:MAX_DECISIONS]
    ]
    _mark_scheduled(placement, decision, now)


def _mark_scheduled(placement: Object, decision: Decision, now: datetime) -> None:
    wanted = nested(placement, "spec", "targets", "min", default=1)
    fit = sum(pick.fit for pick in decision.picks)
    if fit >= wanted:
        mark_true(placement, CONDITION_SCHEDULED, now)
        return
    why = _why_not(decision, by_selector=bool(nested(placement, "spec", "syncTargetSelector", default=None)))
    if fit:
        message = f"{fit} of at least {wanted} SyncTargets can be used: {why}"
        mark_false(placement, CONDITION_SCHEDULED, REASON_TOO_FEW_TARGETS, "Warning", message, now)
    else:
        mark_false(placement, CONDITION_SCHEDULED, REASON_NO_VALID_TARGET, "Warning", why, now)


def _why_not(decision: Decision, *, by_selector: bool) -> str:
    """One sentence from all rejections: each said while they are few, counted by reason when they are many.

    `by_selector`: the Placement selects among the SyncTargets of its Locations.
    """
    rejections = decision.rejections
    if not rejections:
        return "No SyncTarget in the selected Location" + (" matches spec.syncTargetSelector" if by_selector else "")
    if len(rejections) <= _MAX_MESSAGE_PARTS:
        return ", ".join(rejection.message for rejection in rejections)
    counts = Counter(rejection.reason for rejection in rejections)
    return f"0 of {len(rejections)} further SyncTargets: " + ", ".join(
        f"{count} {reason}" for reason, count in sorted(counts.items())
    )


def _bound(placement: Object, namespaces: Iterable[Object]) -> bool:
    try:
        selector = selector_from_label_selector(nested(placement, "spec", "namespaceSelector", default=None) or {})
    except ValueError:
        return False
    return any(
        name(namespace) not in UNSCHEDULED_NAMESPACES and selector.matches(labels(namespace))
        for namespace in namespaces
    )
