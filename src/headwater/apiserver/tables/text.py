"""How values look in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from headwater.machinery.duration import human_duration
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"


@lru_cache(maxsize=4096)
def _seconds(text: str) -> float:
    return parse_time(text).timestamp()


def since(text: Any, now: float) -> str:
    """Time since a timestamp, as in an AGE column."""
    if not isinstance(text, str) or not text:
        return UNKNOWN
    try:
        return human_duration(now - _seconds(text))
    except ValueError:
        return "<invalid>"


def age(obj: Object, now: float) -> str:
    """Time since the object was created."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def label_text(labels: Mapping[str, str] | None) -> str:
    """A label map as one cell."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) if labels else NONE


def selector_text(selector: Object | None) -> str:
    """A LabelSelector as one cell."""
    if selector is None:
        return NONE
    try:
        text = str(selector_from_label_selector(selector))
    except ValueError:
        return "<error>"
    return text or NONE


def joined(values: Iterable[Any], *, empty: str = "") -> str:
    """Values with commas between them."""
    return ",".join(str(value) for value in values) or empty


def containers(pod_spec: Object) -> tuple[str, str]:
    """Names and images of the containers of a pod spec, as two cells."""
    listed = pod_spec.get("containers") or []
    return joined(c.get("name", "") for c in listed), joined(c.get("image", "") for c in listed)


def count(value: Any) -> int:
    """A number that may be absent."""
    return value if isinstance(value, int) else 0
