"""Which namespaces a Placement applies to (pure)."""

from __future__ import annotations

from headwater.apis.placement.v1alpha1.placement import CONDITION_READY, PHASE_PENDING
from headwater.machinery.conditions import get_condition
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, labels, nested


def placement_applies(placement: Object, namespace: Object) -> bool:
    """True for a Placement that has targets to give and selects the namespace.

    A selector that can't be read selects nothing; the Placement's own condition says so.
    """
    if nested(placement, "status", "phase", default=PHASE_PENDING) == PHASE_PENDING:
        return False
    ready = get_condition(placement, CONDITION_READY)
    if ready is not None and ready["status"] == "False":
        return False
    try:
        selector = selector_from_label_selector(nested(placement, "spec", "namespaceSelector", default=None) or {})
    except ValueError:
        return False
    return selector.matches(labels(namespace))
