"""Whether a downstream object still has all that was applied (pure)."""

from __future__ import annotations

from typing import Any

from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.body import HASH_ANNOTATION


def is_applied(live: Object, body: Object) -> bool:
    """Whether this very configuration was applied and nobody changed a field of it since."""
    applied = annotations_of(live).get(HASH_ANNOTATION)
    return applied == body["metadata"]["annotations"][HASH_ANNOTATION] and contains(live, body)


def contains(live: Any, wanted: Any) -> bool:
    """Whether every value of ``wanted`` is in ``live``.

    Lists may have grown by what others own, and their order is not compared. A value in another notation ("1" and
    "1000m") counts as changed, which costs one apply that changes nothing.
    """
    if isinstance(wanted, dict):
        if not isinstance(live, dict):
            return not wanted
        return all(contains(live.get(field), value) for field, value in wanted.items() if value is not None)
    if isinstance(wanted, list):
        if not isinstance(live, list):
            return not wanted
        if len(live) == len(wanted) and all(map(contains, live, wanted)):
            return True
        return all(any(contains(candidate, item) for candidate in live) for item in wanted)
    return bool(live == wanted)
