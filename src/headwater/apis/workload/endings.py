"""Work that has ended and is not to be done again."""

from __future__ import annotations

from typing import Final

from headwater.machinery.objects import Object, nested

_ENDINGS: Final = frozenset({"Complete", "Failed"})


def has_ended(obj: Object) -> bool:
    """Whether this is a Job that has completed or failed: true for ever, wherever it ran."""
    if obj.get("kind") != "Job" or not str(obj.get("apiVersion", "")).startswith("batch/"):
        return False
    conditions = nested(obj, "status", "conditions", default=())
    if not isinstance(conditions, list):
        return False
    return any(
        isinstance(each, dict) and str(each.get("type")) in _ENDINGS and each.get("status") == "True"
        for each in conditions
    )
