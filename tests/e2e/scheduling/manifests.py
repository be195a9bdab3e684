"""Objects that the tests of scheduling apply, as text for kubectl, which takes JSON too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]
COMPUTE = "root:compute:kubernetes"
GROUP = "wildwest.dev"
_PROPERTIES = {
    "spec": {"type": "object", "properties": {"intent": {"type": "string"}, "songs": {"type": "integer"}}},
    "status": {"type": "object", "properties": {"result": {"type": "string"}}},
}
_NAMES = {"plural": "cowboys", "singular": "cowboy", "kind": "Cowboy", "listKind": "CowboyList"}
_VERSION = {"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}}}


def as_list(*objects: Object) -> str:
    """One document of many objects."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def cowboy_definition() -> Object:
    """The CRD of cowboys, for pclusters."""
    version = {**_VERSION, "schema": {"openAPIV3Schema": {"type": "object", "properties": _PROPERTIES}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"cowboys.{GROUP}"},
        "spec": {"group": GROUP, "names": _NAMES, "scope": "Namespaced", "versions": [version]},
    }


def cowboy_schema() -> Object:
    """The same for a provider's workspace."""
    version = {**_VERSION, "schema": {"type": "object", "properties": _PROPERTIES}}
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"today.cowboys.{GROUP}"},
        "spec": {"group": GROUP, "names": _NAMES, "scope": "Namespaced", "versions": [version]},
    }


def compute_export(name: str, *resources: tuple[str, str, str]) -> Object:
    """An APIExport of (group, resource, schema) that run on pclusters."""
    notes = {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}
    entries = [{"group": group, "name": each, "schema": schema} for group, each, schema in resources]
    return {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": name, "annotations": notes},
        "spec": {"resources": entries},
    }


def binding(path: str, export: str) -> Object:
    """An APIBinding named as the export."""
    return {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": export},
        "spec": {"reference": {"export": {"path": path, "name": export}}},
    }


def workspace(name: str) -> Object:
    """A workspace of the default type."""
    return {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}


def location(name: str, **instances: str) -> Object:
    """A Location of the SyncTargets with these labels; its own label `place` is its name."""
    meta = {"name": name, "labels": {"place": name}}
    spec = {"instanceSelector": {"matchLabels": instances}}
    return {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Location", "metadata": meta, "spec": spec}


def placement(name: str, **spec: Any) -> Object:
    """A Placement."""
    return {
        "apiVersion": "placement.kcp.io/v1alpha1",
        "kind": "Placement",
        "metadata": {"name": name},
        "spec": spec,
    }


def namespace(name: str, **labels: str) -> Object:
    """A Namespace with labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def service(name: str, **notes: str) -> Object:
    """A Service with annotations."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": notes}, "spec": spec}


def config_map(name: str, namespace: str = "default") -> Object:
    """A ConfigMap."""
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"key": name}}


def deployment(
    name: str,
    replicas: int = 2,
    *,
    namespace: str = "default",
    cpu: str = "",
    labels: Mapping[str, str] | None = None,
    config_maps: Sequence[str] = (),
) -> Object:
    """A Deployment whose pods have the label `app`: its name. `config_maps` are read by its container."""
    container: Object = {"name": "main", "image": "nginx"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    if config_maps:
        container["envFrom"] = [{"configMapRef": {"name": each}} for each in config_maps]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **(labels or {})}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def cowboy(name: str, namespace: str = "default", **notes: str) -> Object:
    """A cowboy with annotations."""
    meta = {"name": name, "namespace": namespace, "annotations": notes}
    spec = {"intent": "sing", "songs": 3}
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Cowboy", "metadata": meta, "spec": spec}
