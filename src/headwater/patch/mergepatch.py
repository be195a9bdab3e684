"""JSON merge patch (RFC 7386), and the patch between two objects."""

from __future__ import annotations

from typing import Any

from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object, deep_copy
from headwater.patch.typedmerge import same


def apply_merge_patch(obj: Object, patch: Any) -> Object:
    """The object with the merge patch applied; the result shares nothing with `obj`.

    Raises BadRequest when the patch isn't an object or is nested too deeply.
    """
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a merge patch must be a JSON object")
    result: Object = deep_copy(obj)
    try:
        _merge(result, patch)
    except RecursionError as cause:
        raise BadRequest("error decoding patch: it is nested too deeply") from cause
    return result


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            current = target.get(key)
            if not isinstance(current, dict):
                current = target[key] = {}
            _merge(current, value)
        else:
            target[key] = deep_copy(value) if isinstance(value, list) else value


def create_merge_patch(old: Object, new: Object) -> Object:
    """The smallest merge patch that turns `old` into `new`; empty when they are equal.

    Merge patches can't say null: a null in `new` is taken for an absent field. The patch shares values with `new`.
    """
    patch: Object = {}
    for key, value in new.items():
        before = old.get(key)
        if value is None:
            if before is not None:
                patch[key] = None
        elif isinstance(value, dict):
            if isinstance(before, dict):
                below = create_merge_patch(before, value)
                if below:
                    patch[key] = below
            else:
                patch[key] = value
        elif key not in old or not same(before, value):
            patch[key] = value
    for key in old:
        if key not in new:
            patch[key] = None
    return patch
