"""Summarise the status that several targets report for one object (pure).

With one target the syncer virtual workspace promotes its status; from two on nobody's status is the object's, and
this step makes one: counters are added up when replicas are divided and the least when they are duplicated (a
workload is as ready as its worst copy), conditions are as bad as the worst, addresses are put together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from headwater.apis.workload.intent import IntentError, sync_intents, target_keys
from headwater.apis.workload.labels import (
    REPORTED_ANNOTATION_PREFIX,
    STATE_SYNC,
    STATUS_DIFF_ANNOTATION_PREFIX,
    STATUS_PROMOTED,
)
from headwater.apis.workload.scheduled import has_scheduled, without_scheduled
from headwater.apis.workload.summarizing import promotes_status
from headwater.base import jsonio
from headwater.machinery.objects import Object, deep_copy, labels, set_annotation
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.scheduling.division.step_divide import is_divided
from headwater.reconcilers.scheduling.reachability import Lost
from headwater.reconcilers.scheduling.summary.rules import StatusField
from headwater.reconcilers.scheduling.summary.step_combine import Side, combined
from headwater.reconcilers.scheduling.summary.step_unreachable import Status, as_unknown
from headwater.scheduling.readiness import reported_status

_NOBODY: Final[Mapping[str, Lost]] = {}


def aggregate(
    obj: Object,
    fields: Sequence[StatusField],
    wanted: Collection[str] | None = None,
    lost: Mapping[str, Lost] = _NOBODY,
) -> Status | None:
    """The summary, or None when no target has reported yet.

    An only target speaks for the object, unless the object's own rules keep its status apart.
    While an object moves, those that it leaves are summarised apart from those that it goes to, and the better of
    the two is shown: the move itself is no outage. `wanted` are the keys of the targets that it should have, None when
    that is not known; a deletion mark alone comes late, as a workload waits for its replacement. `lost` are the targets
    that aren't heard of, by key.
    """
    try:
        intents = sync_intents(obj)
    except IntentError:
        return None
    synced = {key: intent for key, intent in intents.items() if intent.state == STATE_SYNC}
    if len(synced) < 2:
        sole = next(iter(synced), None) if promotes_status(obj) else None
        return _report(obj, sole, fields, lost) if sole is not None else None
    stayers = [
        key for key, intent in sorted(synced.items()) if intent.deletion is None and (wanted is None or key in wanted)
    ]
    staying = _reports(obj, stayers, fields, lost)
    leaving = _reports(obj, sorted(synced.keys() - set(stayers)), fields, lost)
    if not staying and not leaving:
        return None
    complete = len(staying) == len(stayers)
    summary = combined(fields, Side(staying, complete), Side(leaving, complete=True), divided=is_divided(obj))
    observed = [seen for report in staying if isinstance(seen := report.get("observedGeneration"), int)]
    if complete and observed and len(observed) == len(staying):
        summary["observedGeneration"] = min(observed)
    only_addresses = all(field.combine == "union" for field in fields)
    return None if only_addresses and not summary else summary


def unpromoted(obj: Object, lost: Mapping[str, Lost] = _NOBODY) -> Object | None:
    """A copy that keeps apart what the first of several targets, or a lost one, reported; None for nothing to keep.

    Its report is the object's own status, which is about to be nobody's.
    """
    promoted = [note for note, text in annotations_of(obj).items() if _promoted(note, text)]
    if not promoted or (len(target_keys(labels(obj))) < 2 and not any(_key(note) in lost for note in promoted)):
        return None
    apart: Object = deep_copy(obj)
    status = without_scheduled(obj.get("status")) if has_scheduled(obj) else obj.get("status")
    for note in promoted:
        diff = jsonio.loads(annotations_of(obj)[note])
        diff.pop("status")
        if status is not None:
            diff["status"] = status
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


def _key(note: str) -> str:
    return note.removeprefix(STATUS_DIFF_ANNOTATION_PREFIX)


def _reports(obj: Object, keys: Sequence[str], fields: Sequence[StatusField], lost: Mapping[str, Lost]) -> list[Status]:
    return [report for key in keys if (report := _report(obj, key, fields, lost))]


def _report(obj: Object, key: str, fields: Sequence[StatusField], lost: Mapping[str, Lost]) -> Status | None:
    report: dict[str, Any] | None = reported_status(obj, key)
    if report is None or key not in lost:
        return report
    return as_unknown(obj, report, fields, lost[key], annotations_of(obj).get(REPORTED_ANNOTATION_PREFIX + key, ""))
