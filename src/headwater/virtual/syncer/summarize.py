"""Fields that a sync target reports, and where each target's value is kept.

A rule names a field. While one target runs the object, a promoted field is written to the object itself and the
target's diff annotation holds only a marker; as soon as there are several targets each one's value stays in its
own diff annotation, so that no target sees, or overwrites, what another reported (kcp's summarizing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX, SUMMARIZING_ANNOTATION
from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

_MAX_RULES: Final = 32


class SummarizingError(ValueError):
    """A summarizing or diff annotation can't be read."""


class _Missing:
    """Type of the one value that stands for an absent field."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class SummaryRule:
    """One reported field, e.g. `status`, and whether a single target's value is promoted to the object."""

    field_path: str
    promote: bool

    @property
    def is_status(self) -> bool:
        """Only the whole status goes through the status subresource."""
        return self.field_path == "status"


DEFAULT_RULES: Final = (SummaryRule("status", promote=True),)


def summary_rules(obj: Object) -> tuple[SummaryRule, ...]:
    """Rules of an object: its annotation replaces the default. Raises SummarizingError for malformed text.

    Member names are matched without regard to case, as the original's decoder does.
    """
    text = annotations_of(obj).get(SUMMARIZING_ANNOTATION)
    if text is None:
        return DEFAULT_RULES
    try:
        entries = jsonio.loads(text)
    except ValueError as error:
        raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION} is not JSON: {error}") from error
    if not isinstance(entries, list) or len(entries) > _MAX_RULES:
        raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION} must be a list of at most {_MAX_RULES} rules")
    rules = []
    for entry in entries:
        members = {str(name).lower(): value for name, value in entry.items()} if isinstance(entry, dict) else {}
        path = members.get("fieldpath")
        if not isinstance(path, str) or not path or path.split(".")[0] in {"metadata", "apiVersion", "kind"}:
            raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION}: fieldPath {path!r} can't be summarized")
        rules.append(SummaryRule(path, promote=members.get("promotetoupstream") is True))
    return tuple(rules)


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
