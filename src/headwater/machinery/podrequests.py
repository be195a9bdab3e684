"""What pods ask for and what targets have, from Kubernetes' quantities to whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from headwater.machinery.amounts import amount_of
from headwater.machinery.objects import Object, nested

POD_RESOURCES: Final = frozenset({"cpu", "memory"})
"""What can be asked for a pod as a whole, besides its containers."""


def capacity_of(quantities: Mapping[str, Any]) -> dict[str, int]:
    """A ResourceList of what there is: rounded down, and nothing for what can't be read."""
    return {resource: _amount(resource, text, up=False) for resource, text in quantities.items()}


def requests_of(template: Object) -> dict[str, int]:
    """What one pod of a template asks for, counted as Kubernetes does, and one pod. Rounded up.

    All containers and sidecars together, or the init container that asks for more with the sidecars that were
    started before it, and the overhead. A limit without a request is one. Without a readable number there is none.
    """
    return pod_requests(template.get("spec") or {})


def pod_requests(spec: Object) -> dict[str, int]:
    """What a pod with this spec asks for, counted as above."""
    running: Counter[str] = Counter()
    for container in _list(spec, "containers"):
        running.update(_asked_by(container))
    starting: dict[str, int] = {}
    sidecars: Counter[str] = Counter()
    for container in _list(spec, "initContainers"):
        asked = Counter(_asked_by(container))
        asked.update(sidecars)
        if container.get("restartPolicy") == "Always":
            sidecars = asked
        starting = _greatest(starting, asked)
    running.update(sidecars)
    total = Counter(_greatest(running, starting))
    of_pod = _asked_by(spec)
    total.update({resource: of_pod[resource] - total[resource] for resource in of_pod if resource in POD_RESOURCES})
    total.update(_asked(nested(spec, "overhead", default=None)))
    total["pods"] = 1
    return {resource: amount for resource, amount in sorted(total.items()) if amount > 0}


def _list(spec: Object, field: str) -> Iterable[Object]:
    entries = spec.get(field)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else ()


def _asked_by(holder: Object) -> dict[str, int]:
    """Requests of a container (or of a pod as a whole), where they are missing its limits."""
    limits = _asked(nested(holder, "resources", "limits", default=None))
    return {**limits, **_asked(nested(holder, "resources", "requests", default=None))}


def _asked(quantities: Any) -> dict[str, int]:
    if not isinstance(quantities, dict):
        return {}
    return {resource: _amount(resource, text, up=True) for resource, text in quantities.items()}


def _greatest(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {resource: max(left.get(resource, 0), right.get(resource, 0)) for resource in {*left, *right}}


@lru_cache(maxsize=16384)
def _amount(resource: str, text: str | int | float, *, up: bool) -> int:
    """The amount of a quantity; 0 for what can't be read."""
    try:
        return max(amount_of(resource, text, up=up), 0)
    except ValueError:
        return 0
