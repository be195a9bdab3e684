"""What a syncer writes: the change of the stored object that its write stands for (pure).

A syncer may do four things to an object that is assigned to it: claim it by its finalizer, report fields, say why its
pcluster refuses it, and let go of it after its downstream copy is gone. Everything else in what it sends is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.failures import failure_of
from headwater.apis.workload.intent import SyncIntent, sync_intents
from headwater.apis.workload.labels import (
    REPORTED_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    STATE_PENDING,
    STATE_SYNC,
    STATUS_DIFF_ANNOTATION_PREFIX,
    STATUS_PROMOTED,
    SYNC_FAILURE_ANNOTATION_PREFIX,
    TARGET_ANNOTATION_PREFIXES,
    syncer_finalizer,
)
from headwater.apis.workload.scheduled import has_scheduled, scheduled_condition, with_scheduled, without_scheduled
from headwater.apis.workload.summarizing import SummaryRule, summary_rules
from headwater.machinery.errors import BadRequest, Conflict, Forbidden
from headwater.machinery.objects import (
    Object,
    deep_copy,
    deletion_timestamp,
    finalizers,
    metadata,
    name,
    namespace,
    set_annotation,
    set_label,
    uid,
)
from headwater.machinery.objects import (
    annotations as annotations_of,
)
from headwater.virtual.syncer.summarize import (
    MISSING,
    get_field,
    read_diff,
    reported_diff,
    set_field,
    write_diff,
)


@dataclass(frozen=True, slots=True)
class StoredChange:
    """The object as it should be stored.

    With `status_first` the rest must not be stored before the status, as a new marker points at it. Otherwise it goes
    first: should the status then come too late, the syncer's next try still finds it different and sets the time anew.
    """

    object: Object
    status_changed: bool
    main_changed: bool
    status_first: bool = True


def stored_change(
    existing: Object, written: Object, *, key: str, resource: str, on_status: bool, now: str
) -> StoredChange:
    """The change that a syncer's write of `written` makes to `existing`; both stay as they are.

    `now` is the time, as text, that a changed status is reported at. Raises Forbidden when the object is not assigned
    to the target or not claimed by it, and IntentError or SummarizingError when an annotation on it can't be read.
    """
    result = deep_copy(existing)
    intents = {other: intent for other, intent in sync_intents(existing).items() if intent.state != STATE_PENDING}
    claimed = syncer_finalizer(key) in finalizers(written)
    if not on_status and deletion_timestamp(written) and not claimed:
        _check_dropping(existing, intents, key, resource)
        _let_go(result, intents, key)
    else:
        _check_owned(existing, intents, key, resource, claimed=claimed)
        _keep_single_owner_value(result, existing, intents, key)
        _report(result, existing, written, key, single=len(intents) == 1, on_status=on_status)
        if on_status and _reported(result, key) != _reported(existing, key):
            set_annotation(result, REPORTED_ANNOTATION_PREFIX + key, now)
        if not on_status:
            set_annotation(result, SYNC_FAILURE_ANNOTATION_PREFIX + key, failure_of(written, key))
        _claim(result, key)
    if has_scheduled(result):
        kept = with_scheduled(result, result.get("status"), scheduled_condition(existing))
        set_field(result, "status", MISSING if kept is None else kept)
    status_changed = result.get("status") != existing.get("status")
    before = {field: value for field, value in existing.items() if field != "status"}
    after = {field: value for field, value in result.items() if field != "status"}
    return StoredChange(result, status_changed, before != after, status_first=_diffs(existing) != _diffs(result))


def same_object(existing: Object, written: Object | list[Object]) -> Object:
    """What a syncer has written, if it is for the object that exists, by the UID in it; without one it may be any.

    So a syncer can write to what an object has become, and never to what has come in its place. Raises BadRequest for
    what is no object, and Conflict for another one.
    """
    if not isinstance(written, dict) or not isinstance(written.get("metadata"), dict):
        raise BadRequest("the body is not an object with metadata")
    if uid(written) and uid(written) != uid(existing):
        raise Conflict(f"Precondition failed: UID in precondition: {uid(written)}, UID in object meta: {uid(existing)}")
    return written


def _diffs(obj: Object) -> dict[str, str]:
    notes = annotations_of(obj)
    return {note: text for note, text in notes.items() if note.startswith(STATUS_DIFF_ANNOTATION_PREFIX)}


def _reported(obj: Object, key: str) -> Any:
    """The status that the target reported, as far as it is known."""
    value = read_diff(annotations_of(obj), key).get("status")
    return _own_value(obj, "status") if value == STATUS_PROMOTED else value


def _own_value(obj: Object, path: str) -> Any:
    """What a target's marker stands for: the object's value, without what the control plane says in it."""
    value = get_field(obj, path)
    if path != "status" or value is MISSING or not has_scheduled(obj):
        return value
    reported = without_scheduled(value)
    return MISSING if reported is None else reported


def _check_owned(existing: Object, intents: dict[str, SyncIntent], key: str, resource: str, *, claimed: bool) -> None:
    what = f"{resource}({namespace(existing)}/{name(existing)})"
    intent = intents.get(key)
    if intent is None or intent.state != STATE_SYNC:
        raise Forbidden(f"tried to write resource {what} though it is not assigned to the current SyncTarget")
    if not claimed:
        raise Forbidden(f"tried to write resource {what} though it is not owning it (syncer finalizer doesn't exist)")


def _check_dropping(existing: Object, intents: dict[str, SyncIntent], key: str, resource: str) -> None:
    intent = intents.get(key)
    if intent is None or not intent.dropping:
        what = f"{resource}({namespace(existing)}/{name(existing)})"
        raise Forbidden(
            f"tried to let go of resource {what} though it is not being removed from the current SyncTarget"
        )


def _claim(result: Object, key: str) -> None:
    """Add the target's finalizer, sorted so that two syncers don't take turns reordering the list."""
    finalizer = syncer_finalizer(key)
    held = finalizers(result)
    if finalizer not in held:
        metadata(result)["finalizers"] = sorted([*held, finalizer])


def _report(result: Object, existing: Object, written: Object, key: str, *, single: bool, on_status: bool) -> None:
    """Take the reported fields of this kind of write into the target's diff; others keep their value."""
    old = read_diff(annotations_of(result), key)
    diff: dict[str, Any] = {}
    for rule in summary_rules(existing):
        if rule.is_status != on_status:
            if rule.field_path in old:
                diff[rule.field_path] = old[rule.field_path]
            continue
        value = get_field(written, rule.field_path)
        if value is MISSING:
            continue
        if rule.promote and single:
            set_field(result, rule.field_path, value)
            diff[rule.field_path] = STATUS_PROMOTED
        else:
            diff[rule.field_path] = value
    if diff or old:
        set_annotation(result, STATUS_DIFF_ANNOTATION_PREFIX + key, reported_diff(diff))


def _keep_single_owner_value(result: Object, existing: Object, intents: dict[str, SyncIntent], key: str) -> None:
    """When a second target joins, the first one's promoted values move into its own diff.

    The object keeps the fields as they are: nobody owns them until one target is left.
    """
    if len(intents) < 2:
        return
    held = set(finalizers(existing))
    for owner in intents:
        if owner == key or syncer_finalizer(owner) not in held:
            continue
        _replace_markers(result, existing, owner)
    _replace_markers(result, existing, key)


def _replace_markers(result: Object, existing: Object, owner: str) -> None:
    diff = read_diff(annotations_of(existing), owner)
    values = {path: _own_value(existing, path) if value == STATUS_PROMOTED else value for path, value in diff.items()}
    if values != diff:
        kept = {path: value for path, value in values.items() if value is not MISSING}
        set_annotation(result, STATUS_DIFF_ANNOTATION_PREFIX + owner, write_diff(kept))


def _let_go(result: Object, intents: dict[str, SyncIntent], key: str) -> None:
    """The downstream copy is gone: take away every trace of the target, and promote the last one that remains."""
    remaining = [other for other in intents if other != key]
    if len(remaining) == 1:
        last = remaining[0]
        if intents[last].state == STATE_SYNC and syncer_finalizer(last) in finalizers(result):
            _promote(result, last, summary_rules(result))
    kept = [held for held in finalizers(result) if held != syncer_finalizer(key)]
    if not remaining and (kept or not deletion_timestamp(result)):
        _forget_status(result, key)
    set_label(result, STATE_LABEL_PREFIX + key, None)
    for prefix in TARGET_ANNOTATION_PREFIXES:
        set_annotation(result, prefix + key, None)
    meta = metadata(result)
    if kept:
        meta["finalizers"] = kept
    else:
        meta.pop("finalizers", None)


def _forget_status(result: Object, key: str) -> None:
    """Nothing runs the object any more, so what was reported of it holds no longer; how a Job ended stays true."""
    if "status" not in read_diff(annotations_of(result), key):
        return
    if not has_ended(result):
        set_field(result, "status", MISSING)


def _promote(result: Object, owner: str, rules: tuple[SummaryRule, ...]) -> None:
    """Let the last target speak for the object; how a Job ended on all of them stays true."""
    diff = read_diff(annotations_of(result), owner)
    for rule in rules:
        if rule.is_status and has_ended(result):
            continue
        value = diff.get(rule.field_path, MISSING)
        if rule.promote and value is not MISSING and value != STATUS_PROMOTED:
            set_field(result, rule.field_path, value)
            diff[rule.field_path] = STATUS_PROMOTED
    if diff:
        set_annotation(result, STATUS_DIFF_ANNOTATION_PREFIX + owner, write_diff(diff))
