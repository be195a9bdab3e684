"""Whether objects of the syncer's own are as they should be, and what to write where they are not (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headwater.machinery.objects import Object, deep_copy, labels, nested
from headwater.machinery.objects import annotations as annotations_of

_EXACT: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "ConfigMap": (("data",),),
    "Role": (("rules",),),
    "RoleBinding": (("roleRef",), ("subjects",)),
    "NetworkPolicy": (("spec",),),
    "Service": (("spec", "selector"),),
    "Deployment": (("spec", "template", "metadata", "labels"),),
}
"""Fields in which nothing more may stand than what is wanted; elsewhere the API server has put its defaults."""


def is_current(live: Object, wanted: Object) -> bool:
    """Whether an object is as it is wanted, whoever wrote it last."""
    if not labels(wanted).items() <= labels(live).items():
        return False
    if any(nested(live, *path, default=None) != nested(wanted, *path) for path in _EXACT.get(wanted["kind"], ())):
        return False
    fields = (field for field in wanted if field not in ("apiVersion", "kind", "metadata"))
    return all(_matches(live.get(field), wanted[field]) for field in fields)


def repaired(live: Object, wanted: Object) -> Object:
    """The object to write where ``live`` is not as it is wanted: what the API server has chosen is kept."""
    body = {**deep_copy(live), **deep_copy(wanted)}
    meta = {**live["metadata"], "labels": {**labels(live), **labels(wanted)}, "annotations": annotations_of(live)}
    body["metadata"] = {key: value for key, value in meta.items() if key != "managedFields"}
    if wanted["kind"] == "Service":
        body["spec"] = {**deep_copy(live.get("spec") or {}), **deep_copy(wanted["spec"])}
    return body


def _matches(live: Any, wanted: Any) -> bool:
    """Every wanted value is there; a map may have more, by default, and a list may not."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_matches(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(_matches, live, wanted))
    return bool(live == wanted)
