"""Objects that run pods, as workloads: how many replicas, what each asks for, and where they are."""

from __future__ import annotations

from typing import Any, Final

from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX, STATE_SYNC
from headwater.base import jsonio
from headwater.machinery.objects import Object, labels, nested, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.podrequests import requests_of
from headwater.scheduling.workload import NOWHERE, Workload, workload_id


def pod_template(obj: Object) -> Object | None:
    """The pod template of an object; None for what runs no pods itself: a CronJob makes its Jobs downstream."""
    template = nested(obj, "spec", "template", default=None)
    return template if isinstance(template, dict) and isinstance(template.get("spec"), dict) else None


_SHARED: Final = frozenset({"/replicas", "/parallelism"})
"""What a spec diff sets of pods where they are divided."""


def workload_from(obj: Object, group: str, resource: str, policies: tuple[str, ...]) -> Workload:
    """An object with pods, selected by these policies, as it is placed now.

    A target that it is being taken off is not among its current ones, but one that it is leaving. A Job that has
    ended asks for nothing more.
    """
    template = pod_template(obj)
    current, leaving = shares_of(obj)
    return Workload(
        id=workload_id(group, resource, object_key(obj)),
        policies=policies,
        replicas=replicas_of(obj),
        request=requests_of(template) if template is not None else {},
        current=current,
        divisible=obj.get("kind") != "DaemonSet",
        leaving=leaving or NOWHERE,
    )


def replicas_of(obj: Object) -> int:
    """How many pods run at the same time: `replicas`, or the `parallelism` of Jobs; 1 for what says nothing."""
    if has_ended(obj):
        return 0
    spec = obj.get("spec") or {}
    replicas = _number(spec.get("replicas"))
    if replicas is not None:
        return replicas
    parallelism, completions = _number(spec.get("parallelism")), _number(spec.get("completions"))
    if parallelism is None:
        return 1
    return parallelism if completions is None else min(parallelism, completions)


def shares_of(obj: Object) -> tuple[dict[str, int], dict[str, int]]:
    """Sync target key -> replicas: of the targets that have the object to keep, and of those that have to give it up.

    The state label goes when a target has let go, so until then its pods may be there.
    """
    notes, replicas = annotations_of(obj), replicas_of(obj)
    marks = deletion_marks(notes)
    current: dict[str, int] = {}
    leaving: dict[str, int] = {}
    for key, state in sorted(target_keys(labels(obj)).items()):
        if state == STATE_SYNC:
            share = _share(notes.get(SPEC_DIFF_ANNOTATION_PREFIX + key), replicas)
            (leaving if key in marks else current)[key] = share
    return current, leaving


def _share(spec_diff: str | None, replicas: int) -> int:
    """The replicas that a spec diff sets for a target, or all."""
    if not spec_diff:
        return replicas
    try:
        operations = jsonio.loads(spec_diff)
    except ValueError:
        return replicas
    for operation in operations if isinstance(operations, list) else ():
        if isinstance(operation, dict) and operation.get("path") in _SHARED:
            number = _number(operation.get("value"))
            replicas = replicas if number is None else number
    return replicas


def _number(value: Any) -> int | None:
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else None
