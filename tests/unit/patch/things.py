"""A schema with every kind of field, and the calls under test with the promise that inputs stay as they are."""

from __future__ import annotations

import copy
from typing import Any

from headwater.patch import managed

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"
Obj = dict[str, Any]

_PORT = {
    "type": "object",
    "properties": {
        "containerPort": {"type": "integer"},
        "protocol": {"type": "string", "default": "TCP"},
        "hostPort": {"type": "integer"},
    },
}
_CONTAINER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "args": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"},
        "ports": {
            "type": "array",
            "items": _PORT,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
        },
    },
}
SCHEMA: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "paused": {"type": "boolean"},
                "selector": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {}},
                "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                "containers": {
                    "type": "array",
                    "items": _CONTAINER,
                    "x-kubernetes-patch-strategy": "merge",
                    "x-kubernetes-patch-merge-key": "name",
                },
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
    },
}


def obj(spec: Obj | None = None, **metadata: Any) -> Obj:
    body: Obj = {"apiVersion": "apps/v1", "kind": "Thing", "metadata": {"name": "x", **metadata}}
    if spec is not None:
        body["spec"] = spec
    return body


def apply(live: Obj | None, applied: Obj, manager: str = "a", now: str = T1, **options: Any) -> Obj:
    options = {"force": False, "schema": SCHEMA, "api_version": "apps/v1", **options}
    before = copy.deepcopy((live, applied))
    result = managed.apply(live, applied, manager=manager, now=now, **options)
    assert (live, applied) == before, "inputs are never changed"
    assert result.changed == (result.object != live)
    return result.object


def update(live: Obj | None, new: Obj, manager: str = "u", now: str = T1, **options: Any) -> Obj:
    options = {"schema": SCHEMA, "api_version": "apps/v1", **options}
    new = copy.deepcopy(new)
    before = copy.deepcopy(live)
    managed.update(live, new, manager=manager, now=now, **options)
    assert live == before, "the live object is never changed"
    return new


def owners(body: Obj) -> dict[tuple[str, str], Obj]:
    return {(e["manager"], e["operation"]): e["fieldsV1"] for e in body["metadata"].get("managedFields", ())}


def bare(body: Obj) -> Obj:
    body = copy.deepcopy(body)
    body["metadata"].pop("managedFields", None)
    return body
