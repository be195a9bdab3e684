"""The status that is reported upstream for a downstream object (pure)."""

from __future__ import annotations

from headwater.machinery.objects import Object, deep_copy, generation
from headwater.syncer.mutate.body import GENERATION_ANNOTATION, count_in


def upstream_status(downstream: Object) -> Object | None:
    """Status of a downstream object as it should read upstream; None when there is none.

    Generations count separately on each side, so observed ones are translated: what has seen the newest downstream
    generation has seen the upstream one that was applied; anything older has not.
    """
    status = downstream.get("status")
    if not isinstance(status, dict) or not status:
        return None
    translated: Object = deep_copy(status)
    applied = count_in(downstream, GENERATION_ANNOTATION)
    current = generation(downstream)
    if applied is not None and current:
        _translate(translated, current, applied)
        for condition in translated.get("conditions") or ():
            if isinstance(condition, dict):
                _translate(condition, current, applied)
    return translated


def _translate(holder: Object, current: int, applied: int) -> None:
    observed = holder.get("observedGeneration")
    if isinstance(observed, int):
        holder["observedGeneration"] = applied if observed >= current else max(applied - 1, 0)
