"""What a syncer reads: an upstream object as its own sync target should see it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.intent import IntentError, sync_intent
from headwater.apis.workload.labels import (
    REPORTED_ANNOTATION_PREFIX,
    SPEC_DIFF_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    STATUS_DIFF_ANNOTATION_PREFIX,
    STATUS_PROMOTED,
    TARGET_ANNOTATION_PREFIXES,
    TRACE_ANNOTATION,
    WORKSPACE_URL_ANNOTATION,
    syncer_finalizer,
)
from headwater.apis.workload.scheduled import has_scheduled, without_scheduled
from headwater.apis.workload.summarizing import SummarizingError, summary_rules
from headwater.base import jsonio
from headwater.machinery.errors import InternalError, StatusError
from headwater.machinery.objects import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    Object,
    deep_copy,
    deletion_timestamp,
    finalizers,
    metadata,
    name,
)
from headwater.machinery.timestamps import format_time
from headwater.patch.jsonpatch import apply_json_patch
from headwater.virtual.syncer.summarize import (
    MISSING,
    get_field,
    read_diff,
    set_field,
)

_HIDDEN_METADATA = ("finalizers", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields")
"""What an upstream object has for itself; managedFields would also name other targets' fields."""
_MAX_SPEC_BYTES: Final = 3 * 1024 * 1024
_PROPAGATION_FINALIZERS = (FOREGROUND_FINALIZER, ORPHAN_FINALIZER)


def syncer_view(obj: Object, key: str, workspace_url: str, trace: str = "") -> Object:
    """A copy of `obj` for the target with this key; `obj` itself stays as it is.

    The view has only the target's own finalizer, and while the object is deleted upstream those that say what is to
    become of its dependents; its deletionTimestamp is the target's deletion mark (never the
    upstream one), and appears only once no soft finalizer holds it back; reported fields are the target's own;
    the target's spec diff is applied, and ``trace`` is that of its last write. Nothing in it tells of other targets
    or of scheduling. Raises InternalError when an annotation on the object can't be read.
    """
    view: Object = deep_copy(obj)
    meta = metadata(view)
    for field in _HIDDEN_METADATA:
        meta.pop(field, None)
    try:
        intent = sync_intent(obj, key)
        notes = dict(meta.get("annotations") or {})
        diff = read_diff(notes, key)
        rules = summary_rules(obj)
    except (IntentError, SummarizingError) as error:
        raise InternalError(f"object {name(obj)!r} can't be shown to its sync target: {error}") from error
    notes = _own(notes, TARGET_ANNOTATION_PREFIXES, key)
    for bookkeeping in (STATUS_DIFF_ANNOTATION_PREFIX, REPORTED_ANNOTATION_PREFIX):
        notes.pop(bookkeeping + key, None)
    notes[WORKSPACE_URL_ANNOTATION] = workspace_url
    notes.pop(TRACE_ANNOTATION, None)  # Whatever a tenant may have written there.
    if trace:
        notes[TRACE_ANNOTATION] = trace
    meta["annotations"] = notes
    if "labels" in meta:
        meta["labels"] = _own(meta["labels"], (STATE_LABEL_PREFIX,), key)
    spec_patch = notes.get(SPEC_DIFF_ANNOTATION_PREFIX + key)
    if spec_patch and "spec" in view:
        view["spec"] = _patched_spec(view, spec_patch, key)
    for rule in rules:
        value = diff.get(rule.field_path, MISSING)
        if value == STATUS_PROMOTED:
            value = deep_copy(get_field(obj, rule.field_path))
        elif value is MISSING and not rule.promote:
            continue
        set_field(view, rule.field_path, value)
    if has_scheduled(view) and "status" in view:
        reported = without_scheduled(view["status"])
        set_field(view, "status", MISSING if reported is None else reported)
    shown = (syncer_finalizer(key), *(_PROPAGATION_FINALIZERS if deletion_timestamp(obj) else ()))
    held = [each for each in finalizers(obj) if each in shown]
    if held:
        meta["finalizers"] = held
    if intent is not None and intent.dropping and intent.deletion is not None:
        meta["deletionTimestamp"] = format_time(intent.deletion)
    return view


def _own(entries: Mapping[str, str], prefixes: tuple[str, ...], key: str) -> dict[str, str]:
    """Labels or annotations without those that other targets have under one of the prefixes."""
    return {
        entry: value for entry, value in entries.items() if not entry.startswith(prefixes) or entry.endswith(f"/{key}")
    }


def _patched_spec(view: Object, patch_text: str, key: str) -> Object:
    """The spec with the target's own changes. The patch's document root is `.spec`."""
    try:
        operations = jsonio.loads(patch_text)
        spec: Object = apply_json_patch(view["spec"], operations)
        # No schema bounds what a tenant's patch makes. What it would be a part of is a list: three levels more.
        size = len(jsonio.dumps([[[spec]]]))
        if size > _MAX_SPEC_BYTES:
            raise ValueError(f"the spec would have {size} bytes, at most {_MAX_SPEC_BYTES}")
    except (ValueError, jsonio.EncodeError, StatusError) as error:
        raise InternalError(
            f"object {name(view)!r}: annotation {SPEC_DIFF_ANNOTATION_PREFIX}{key} can't be applied: {error}"
        ) from error
    return spec
