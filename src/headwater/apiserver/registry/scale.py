"""The scale subresource: autoscaling/v1 Scale as a view of an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.apiserver.registry.writer import Transform
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery import errors
from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, deep_copy, nested

SCALE_API_VERSION = "autoscaling/v1"
SCALE_KIND = "Scale"
_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")

ScaleChange = Callable[[Object], Object]
"""From the Scale as it is to the Scale as the client wants it."""


def scale_of(info: ResourceInfo, obj: Object) -> Object:
    """The Scale that shows an object's replicas."""
    paths = info.scale
    if paths is None:
        raise errors.NotFound("the server could not find the requested resource")
    meta = obj["metadata"]
    status: Object = {"replicas": _number(nested(obj, *_steps(paths.status_replicas), default=0))}
    if paths.label_selector:
        selector = _selector_text(nested(obj, *_steps(paths.label_selector)))
        if selector:
            status["selector"] = selector
    return {
        "kind": SCALE_KIND,
        "apiVersion": SCALE_API_VERSION,
        "metadata": {key: meta[key] for key in _COPIED if key in meta},
        "spec": {"replicas": _number(nested(obj, *_steps(paths.spec_replicas), default=0))},
        "status": status,
    }


def transform(info: ResourceInfo, change: ScaleChange) -> Transform:
    """A change of the Scale as a change of the object."""

    def apply(old: Object) -> Object:
        current = scale_of(info, old)
        wanted = change(current)
        _check(wanted, current)
        obj: Object = deep_copy(old)
        meta = wanted.get("metadata") or {}
        # The Scale's own preconditions are the object's.
        obj["metadata"]["resourceVersion"] = str(meta.get("resourceVersion") or "")
        if meta.get("uid"):
            obj["metadata"]["uid"] = meta["uid"]
        assert info.scale is not None
        *parents, last = _steps(info.scale.spec_replicas)
        target = obj
        for step in parents:
            if not isinstance(target.setdefault(step, {}), dict):
                raise errors.BadRequest(f"{step} of the object is no object that could have replicas")
            target = target[step]
        target[last] = (wanted.get("spec") or {}).get("replicas", 0)
        return obj

    return apply


def _check(wanted: Object, current: Object) -> None:
    if wanted.get("kind", SCALE_KIND) != SCALE_KIND:
        raise errors.BadRequest(f"the kind in the data ({wanted.get('kind')}) does not match the expected kind (Scale)")
    name = current["metadata"]["name"]
    stated = (wanted.get("metadata") or {}).get("name")
    if stated and stated != name:
        raise errors.BadRequest(f"the name of the object ({stated}) does not match the name on the URL ({name})")
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise errors.BadRequest("spec.replicas of a Scale must be an integer")
    if replicas < 0:
        error = invalid_value("spec.replicas", replicas, "should be a non-negative integer")
        raise errors.invalid(SCALE_KIND, name, [error], group="autoscaling")


def _number(value: Any) -> int:
    """Replicas of an object whose schema leaves open what they are: what is no number is none."""
    return value if type(value) is int else 0


def _steps(path: str) -> list[str]:
    return path.lstrip(".").split(".")


def _selector_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(selector_from_label_selector(value)) if isinstance(value, dict) else ""
    except (ValueError, TypeError, AttributeError):
        return ""
