"""Whether a downstream object still has all that was applied (pure)."""

from __future__ import annotations

from typing import Any, Final

from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.body import HASH_ANNOTATION

_SHARED_LISTS: Final = frozenset(
    {
        "containers",
        "initContainers",
        "ephemeralContainers",
        "volumes",
        "volumeMounts",
        "volumeDevices",
        "env",
        "imagePullSecrets",
        "secrets",
    }
)
"""Lists whose items are each somebody's, by their keys, and to which a pcluster's webhooks add their own."""
_SELECTORS: Final = frozenset({"selector", "podSelector", "namespaceSelector", "labelSelector", "nodeSelector"})
"""Maps that Kubernetes takes whole: with one more key they select something else."""
_MEANT_EMPTY: Final = frozenset({"emptyDir", "podSelector", "namespaceSelector", "labelSelector"})
"""Fields that say something by being there; other empty maps are dropped by API servers."""


def is_applied(live: Object, body: Object) -> bool:
    """Whether this very configuration was applied and nobody changed a field of it since."""
    applied = annotations_of(live).get(HASH_ANNOTATION)
    return applied == body["metadata"]["annotations"][HASH_ANNOTATION] and contains(live, body)


def contains(live: Any, wanted: Any) -> bool:
    """Whether every value of ``wanted`` is in ``live``, as server-side apply would have it.

    Maps may have grown by what others own, and so may the lists that webhooks put things into, whose order is not
    compared. Other lists, and selectors, are one value. Where the pcluster's API server sees no difference, as in a
    list of a custom resource that is shared, or between "1" and "1000m", it costs one apply that changes nothing.
    """
    if isinstance(wanted, dict):
        if not isinstance(live, dict):
            return not wanted
        return all(_has(live, field, value) for field, value in wanted.items() if value is not None)
    if isinstance(wanted, list):
        if not isinstance(live, list):
            return not wanted
        return len(live) == len(wanted) and all(map(contains, live, wanted))
    return bool(live == wanted)


def _has(live: Object, field: str, wanted: Any) -> bool:
    found = live.get(field)
    if found is None and field in _MEANT_EMPTY:
        return False
    if field in _SELECTORS:
        return found == wanted or (found is None and not wanted)
    if field in _SHARED_LISTS and isinstance(wanted, list) and isinstance(found, list):
        return all(any(contains(candidate, item) for candidate in found) for item in wanted)
    return contains(found, wanted)
