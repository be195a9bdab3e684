"""Objects as stages see them, and a reading of the changes that they plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from headwater.machinery.timestamps import format_time
from headwater.sim.changes import Bind, Change, Create, Delete, Emit, Patch

Obj = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> str:
    return format_time(NOW - timedelta(seconds=seconds))


def pod(
    name: str = "p", *, ready: bool | None = None, phase: str = "Running", node: str = "n1", **metadata: Any
) -> Obj:
    conditions = [] if ready is None else [{"type": "Ready", "status": str(ready), "lastTransitionTime": ago(60)}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "d", "uid": f"uid-{name}", "creationTimestamp": ago(60), **metadata},
        "spec": {"containers": [{"name": "c", "image": "i"}], **({"nodeName": node} if node else {})},
        "status": {"phase": phase, "conditions": conditions, "podIP": f"10.0.0.{len(name)}"},
    }


def owner(kind: str, spec: Obj, status: Obj | None = None, *, name: str = "web", **metadata: Any) -> Obj:
    api_version = "batch/v1" if kind == "Job" else "apps/v1"
    meta = {"name": name, "namespace": "d", "uid": f"uid-{name}", "generation": 1, **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec, "status": status or {}}


def template(**labels: str) -> Obj:
    return {"metadata": {"labels": labels or {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def summary(changes: Any) -> list[Any]:
    """Changes as short tuples: (verb, kind or resource, name, ...)."""
    return [_short(change) for change in changes]


def _short(change: Change) -> tuple[Any, ...]:
    match change:
        case Create(gvr, obj):
            meta = obj["metadata"]
            return ("create", gvr.resource, meta.get("name") or meta.get("generateName"))
        case Delete(gvr, obj):
            return ("delete", gvr.resource, obj["metadata"]["name"])
        case Patch(gvr, obj, body, subresource):
            return ("patch", "/".join(filter(None, (gvr.resource, subresource))), obj["metadata"]["name"], body)
        case Bind(_, obj, node):
            return ("bind", obj["metadata"]["name"], node)
        case Emit(obj, reason):
            return ("tell", obj["metadata"]["name"], reason)


def without_status(changes: Any) -> list[Any]:
    return [one for one in summary(changes) if not one[1].endswith("/status") and one[0] != "tell"]


def status_of(changes: Any) -> Obj:
    """The status part of the last status patch."""
    for change in reversed(list(changes)):
        if isinstance(change, Patch) and change.subresource == "status":
            return dict(change.body["status"])
    return {}
