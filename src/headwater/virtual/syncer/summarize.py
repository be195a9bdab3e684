"""Where the fields that a sync target reports are kept.

While one target runs the object, a promoted field is written to the object itself and the
target's diff annotation holds only a marker; as soon as there are several targets each one's value stays in its
own diff annotation, so that no target sees, or overwrites, what another reported (kcp's summarizing).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX
from headwater.apis.workload.summarizing import SummarizingError
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, RequestEntityTooLarge
from headwater.machinery.objects import Object

MAX_REPORT_BYTES: Final = 64 * 1024
"""Of what one target reports beside others: their reports, and the tenant's annotations, share a quarter megabyte."""


class _Missing:
    """Type of the one value that stands for an absent field."""


MISSING: Final = _Missing()


def read_diff(object_annotations: Mapping[str, str], key: str) -> dict[str, Any]:
    """What the target with this key reported, by field path. Raises SummarizingError for malformed text."""
    text = object_annotations.get(STATUS_DIFF_ANNOTATION_PREFIX + key)
    if not text:
        return {}
    try:
        diff = jsonio.loads(text)
    except ValueError as error:
        raise SummarizingError(f"annotation {STATUS_DIFF_ANNOTATION_PREFIX}{key} is not JSON: {error}") from error
    if not isinstance(diff, dict):
        raise SummarizingError(f"annotation {STATUS_DIFF_ANNOTATION_PREFIX}{key} is not a JSON object")
    return diff


def write_diff(diff: Mapping[str, Any]) -> str:
    """Text of a diff annotation."""
    return jsonio.dumps(dict(diff)).decode()


def reported_diff(diff: Mapping[str, Any]) -> str:
    """The same of what a syncer has just written. Raises BadRequest and RequestEntityTooLarge."""
    try:
        text = write_diff(diff)
    except jsonio.EncodeError as error:
        raise BadRequest(f"the report can't be stored: {error}") from None
    if len(text) > MAX_REPORT_BYTES:
        raise RequestEntityTooLarge(f"Request entity too large: limit of a report beside others is {MAX_REPORT_BYTES}")
    return text


def get_field(obj: Object, path: str) -> Any:
    """The value at a dotted path, or MISSING."""
    value: Any = obj
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def set_field(obj: Object, path: str, value: Any) -> None:
    """Put a value at a dotted path, or take it away with MISSING. Changes `obj`."""
    *parents, last = path.split(".")
    holder: Any = obj
    for part in parents:
        child = holder.get(part)
        if not isinstance(child, dict):
            if value is MISSING:
                return
            child = holder[part] = {}
        holder = child
    if value is MISSING:
        holder.pop(last, None)
    else:
        holder[last] = value
