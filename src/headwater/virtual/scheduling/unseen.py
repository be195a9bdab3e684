"""Pods of a StatefulSet that are not shown in its workspace, as another target's pods have their names there (pure).

All its copies name their pods alike, and an object upstream belongs to one target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from headwater.apis.workload.labels import STATE_LABEL_PREFIX, STATE_UPSYNC
from headwater.machinery.errors import InternalError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, labels, name, nested
from headwater.scheduling.readiness import reported_status
from headwater.virtual.syncer.view import syncer_view

STATEFUL_SETS: Final = GroupResource("apps", "statefulsets")
_MAX_PODS: Final = 10_000


def unseen_pods(stateful_set: Object, keys: Collection[str], pods: Iterable[Object]) -> dict[str, list[str]]:
    """Sync target key -> names of pods that the target reports to run and another one's are shown for, in order.

    ``keys`` are the targets in use, ``pods`` those of the workspace; only their metadata counts.
    """
    owners = {name(pod): owner for pod in pods if (owner := _owner(labels(pod)))}
    found: dict[str, list[str]] = {}
    for key in keys:
        unseen = [each for each in _names(stateful_set, key) if owners.get(each, key) != key]
        if unseen:
            found[key] = unseen
    return found


def _owner(marks: Mapping[str, str]) -> str:
    """Key of the target that an object came up from."""
    prefix = STATE_LABEL_PREFIX
    return next((mark.removeprefix(prefix) for mark, value in marks.items()
                 if value == STATE_UPSYNC and mark.startswith(prefix)), "")  # fmt: skip


def _names(stateful_set: Object, key: str) -> list[str]:
    """The pods that a target has as it last reported, from the first ordinal that it is given on."""
    count = (reported_status(stateful_set, key) or {}).get("replicas", 0)
    try:
        spec = syncer_view(stateful_set, key, "").get("spec") or {}
    except InternalError:
        spec = stateful_set.get("spec") or {}
    start = nested(spec, "ordinals", "start", default=0)
    if type(count) is not int or type(start) is not int:
        return []
    return [f"{name(stateful_set)}-{ordinal}" for ordinal in range(start, start + min(max(count, 0), _MAX_PODS))]
