"""Which namespaces a Placement applies to, and which workloads in them (pure)."""

from __future__ import annotations

from headwater.apis.placement.v1alpha1.placement import PHASE_PENDING
from headwater.apis.workload.labels import state_label
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, labels, nested
from headwater.scheduling.snapshot import chosen_keys


def placement_applies(placement: Object, namespace: Object) -> bool:
    """True for a Placement that has targets to give and selects the namespace.

    From a selector that can't be read nothing is concluded: what has the Placement's targets keeps them, and nothing
    else gets them. The Placement's own condition says so.
    """
    if nested(placement, "status", "phase", default=PHASE_PENDING) == PHASE_PENDING:
        return False
    try:
        selector = selector_from_label_selector(nested(placement, "spec", "namespaceSelector", default=None) or {})
    except ValueError:
        return any(state_label(key) in labels(namespace) for key in chosen_keys(placement))
    return selector.matches(labels(namespace))


def awaited(placement: Object, namespace: Object) -> bool:
    """True for a Placement that selects the namespace and has found no Location yet, or none any more."""
    if nested(placement, "status", "phase", default=PHASE_PENDING) != PHASE_PENDING:
        return False
    try:
        selector = selector_from_label_selector(nested(placement, "spec", "namespaceSelector", default=None) or {})
    except ValueError:
        return False
    return selector.matches(labels(namespace))


def same_effect(old: Object, new: Object) -> bool:
    """True when a change of a Placement can't change where anything runs."""
    return (
        old.get("spec") == new.get("spec")
        and nested(old, "status", "phase", default=None) == nested(new, "status", "phase", default=None)
        and chosen_keys(old) == chosen_keys(new)
    )


def selects_by_labels(placement: Object, obj: Object, *, unreadable: bool) -> bool:
    """True when the Placement selects the workload; `unreadable` is the answer of a selector that can't be read."""
    selector = nested(placement, "spec", "workloadSelector", default=None)
    try:
        return selector is None or selector_from_label_selector(selector).matches(labels(obj))
    except ValueError:
        return unreadable
