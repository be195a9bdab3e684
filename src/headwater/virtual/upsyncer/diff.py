"""The JSON patch by which a syncer may change an object on its way up (pure)."""

from __future__ import annotations

from typing import Any, Final

from headwater.apis.workload.upsync import upsync_diff_annotation
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, StatusError
from headwater.machinery.objects import Object, set_annotation
from headwater.machinery.objects import annotations as annotations_of
from headwater.patch.jsonpatch import apply_json_patch

_KEPT: Final = frozenset({"metadata", "apiversion", "kind", ""})


def transformed(obj: Object, key: str) -> Object:
    """The object with its own patch applied, and without the annotation that held it. Raises BadRequest.

    Type and metadata can't be changed by it: they were checked already.
    """
    note = upsync_diff_annotation(key)
    text = annotations_of(obj).get(note)
    if text is None:
        return obj
    try:
        operations = jsonio.loads(text)
    except ValueError as error:
        raise BadRequest(f"annotation {note} is not JSON: {error}") from error
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise BadRequest(f"annotation {note} is not a JSON patch")
    if any(_touches_kept(each.get(field)) for each in operations for field in ("path", "from") if field in each):
        raise BadRequest("metadata, apiversion or kind cannot be modified by a transformation")
    set_annotation(obj, note, None)
    try:
        return apply_json_patch(obj, operations)
    except (ValueError, StatusError) as error:
        raise BadRequest(f"annotation {note} can't be applied: {error}") from error


def _touches_kept(pointer: Any) -> bool:
    """Whether a JSON pointer is at, in or above a part that must stay; compared without regard to case."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        return True
    first = pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
    return first.lower() in _KEPT
