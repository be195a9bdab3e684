"""Summarise the status that several targets report for one object (pure).

With one target the syncer virtual workspace promotes its status; from two on nobody's status is the object's, and
this step makes one: counters are added up when replicas are divided and the least when they are duplicated (a
workload is as ready as its worst copy), conditions are as bad as the worst, addresses are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from headwater.apis.workload.intent import IntentError, sync_intents, target_keys
from headwater.apis.workload.labels import (
    SPEC_DIFF_ANNOTATION_PREFIX,
    STATE_SYNC,
    STATUS_DIFF_ANNOTATION_PREFIX,
    STATUS_PROMOTED,
    SUMMARIZING_ANNOTATION,
)
from headwater.base import jsonio
from headwater.machinery.objects import Object, deep_copy, labels, set_annotation
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.readiness import reported_status

Status = dict[str, Any]

COUNTERS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "deployments"): (
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ),
    ("apps", "statefulsets"): ("replicas", "currentReplicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
    ("apps", "replicasets"): ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    ("apps", "daemonsets"): (
        "currentNumberScheduled",
        "desiredNumberScheduled",
        "numberReady",
        "numberAvailable",
        "numberUnavailable",
        "numberMisscheduled",
        "updatedNumberScheduled",
    ),
    ("batch", "jobs"): ("active", "ready", "succeeded", "failed"),
}
"""Counters of a status, by (group, resource)."""

_BAD_WHEN_HIGH: Final = frozenset({"unavailableReplicas", "numberUnavailable", "numberMisscheduled", "failed"})
_ADDRESSES: Final = frozenset({("", "services"), ("networking.k8s.io", "ingresses")})
_WORST_FIRST: Final = {"False": 0, "Unknown": 1, "True": 2}


def summarizable(group: str, resource: str) -> bool:
    """True for resources whose status can be summarised."""
    return (group, resource) in COUNTERS or (group, resource) in _ADDRESSES


def aggregate(obj: Object, group: str, resource: str, wanted: Collection[str] | None = None) -> Status | None:
    """The summary, or None when no target has reported yet.

    An only target speaks for the object; where the object has rules of its own the virtual workspace follows them.
    While an object moves, those that it leaves are summarised apart from those that it goes to, and the better of
    the two is shown: the move itself is no outage. `wanted` are the keys of the targets that it should have, None when
    that is not known; a deletion mark alone comes late, as a workload waits for its replacement.
    """
    try:
        intents = sync_intents(obj)
    except IntentError:
        return None
    synced = {key: intent for key, intent in intents.items() if intent.state == STATE_SYNC}
    if len(synced) < 2:
        sole = None if SUMMARIZING_ANNOTATION in annotations_of(obj) else next(iter(synced), None)
        return reported_status(obj, sole) if sole is not None else None
    stayers = [
        key for key, intent in sorted(synced.items()) if intent.deletion is None and (wanted is None or key in wanted)
    ]
    staying = _reports(obj, stayers)
    leaving = _reports(obj, sorted(synced.keys() - set(stayers)))
    if not staying and not leaving:
        return None
    if (group, resource) in _ADDRESSES:
        return _addresses([*staying, *leaving])
    divided = any(note.startswith(SPEC_DIFF_ANNOTATION_PREFIX) for note in annotations_of(obj))
    counters = COUNTERS[group, resource]
    complete = len(staying) == len(stayers)
    ours = _counted(staying, counters, divided=divided, complete=complete)
    theirs = _counted(leaving, counters, divided=divided, complete=True)
    better = {counter: max(ours.get(counter, 0), theirs.get(counter, 0)) for counter in counters}
    summary: Status = {counter: value for counter, value in better.items() if value}
    if complete and staying and all("observedGeneration" in report for report in staying):
        summary["observedGeneration"] = min(report["observedGeneration"] for report in staying)
    conditions = _conditions(staying or leaving)
    if conditions:
        summary["conditions"] = conditions
    return summary


def unpromoted(obj: Object) -> Object | None:
    """A copy that keeps apart what the first of several targets reported; None when there is nothing to keep apart.

    Its report is the object's own status, which is about to be nobody's.
    """
    promoted = [note for note, text in annotations_of(obj).items() if _promoted(note, text)]
    if not promoted or len(target_keys(labels(obj))) < 2:
        return None
    apart: Object = deep_copy(obj)
    for note in promoted:
        diff = jsonio.loads(annotations_of(obj)[note])
        diff.pop("status")
        if "status" in obj:
            diff["status"] = obj["status"]
        set_annotation(apart, note, jsonio.dumps(diff).decode())
    return apart


def _promoted(note: str, text: str) -> bool:
    if not note.startswith(STATUS_DIFF_ANNOTATION_PREFIX) or STATUS_PROMOTED not in text:
        return False
    try:
        diff = jsonio.loads(text)
    except ValueError:
        return False
    return isinstance(diff, dict) and diff.get("status") == STATUS_PROMOTED


def _reports(obj: Object, keys: Sequence[str]) -> list[Status]:
    return [status for key in keys if (status := reported_status(obj, key))]


def _counted(reports: Sequence[Status], counters: Sequence[str], *, divided: bool, complete: bool) -> dict[str, int]:
    """Counters of some targets. A target that has not reported counts as zero where that is the honest minimum."""
    out: dict[str, int] = {}
    for counter in counters:
        values = [int(report.get(counter, 0)) for report in reports]
        if not complete and not divided and counter not in _BAD_WHEN_HIGH:
            values.append(0)
        combine: Callable[[list[int]], int] = sum if divided else max if counter in _BAD_WHEN_HIGH else min
        out[counter] = combine(values) if values else 0
    return out


def _conditions(reports: Sequence[Status]) -> list[dict[str, Any]]:
    """Per type the worst of all targets, sorted by type."""
    worst: dict[str, dict[str, Any]] = {}
    for report in reports:
        for condition in report.get("conditions") or ():
            known = worst.get(condition["type"])
            if known is None or _badness(condition) < _badness(known):
                worst[condition["type"]] = condition
    return [worst[kind] for kind in sorted(worst)]


def _badness(condition: Mapping[str, Any]) -> int:
    return _WORST_FIRST.get(str(condition.get("status")), 1)


def _addresses(reports: Sequence[Status]) -> Status | None:
    """Load balancer addresses of all targets, each once."""
    seen: list[Any] = []
    for report in reports:
        for entry in (report.get("loadBalancer") or {}).get("ingress") or ():
            if entry not in seen:
                seen.append(entry)
    return {"loadBalancer": {"ingress": seen}} if seen else None
