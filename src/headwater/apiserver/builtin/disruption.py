"""Whether evicting a pod leaves its disruption budgets whole. Pure.

Healthy pods are counted as they are now, so the answer doesn't depend on a controller that keeps the budgets' status.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, labels

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_ENDED = ("Succeeded", "Failed")


def budgets_of(pod: Object, budgets: Sequence[Object]) -> list[Object]:
    """The budgets that select a pod. One without a selector selects nothing, one with an empty selector all pods."""
    own = labels(pod)
    return [
        budget
        for budget in budgets
        if selector_from_label_selector((budget.get("spec") or {}).get("selector")).matches(own)
    ]


def refusal(pod: Object, budget: Object, pods: Sequence[Object]) -> str | None:
    """Why a budget forbids the eviction, None if it doesn't. `pods` are all of the namespace."""
    if (pod.get("status") or {}).get("phase") in (*_ENDED, "Pending") or pod["metadata"].get("deletionTimestamp"):
        return None
    spec = budget.get("spec") or {}
    selector = selector_from_label_selector(spec.get("selector"))
    covered = [p for p in pods if selector.matches(labels(p)) and (p.get("status") or {}).get("phase") not in _ENDED]
    healthy = sum(is_healthy(p) for p in covered)
    needed = _needed(spec, len(covered))
    # A pod that isn't ready takes nothing away, unless the rest is short already.
    left = healthy - 1 if is_healthy(pod) else healthy
    if left >= needed:
        return None
    name = budget["metadata"]["name"]
    return f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"


def is_healthy(pod: Object) -> bool:
    """Ready, and not on its way out."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _needed(spec: Object, expected: int) -> int:
    if spec.get("minAvailable") is not None:
        return _share(spec["minAvailable"], expected)
    if spec.get("maxUnavailable") is not None:
        return max(expected - _share(spec["maxUnavailable"], expected), 0)
    return 0


def _share(value: int | str, of: int) -> int:
    """A number, or a percentage rounded up."""
    if isinstance(value, int):
        return value
    return math.ceil(of * int(value.removesuffix("%")) / 100)
