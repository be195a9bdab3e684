"""The exports that a control plane starts with: the schemas, APIExports and WorkspaceTypes in ``root``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from headwater.apis.core.v1alpha1.shard import SHARD
from headwater.apis.kind import Kind, api_resource_schema_of
from headwater.apis.placement.v1alpha1.location import LOCATION
from headwater.apis.placement.v1alpha1.placement import PLACEMENT
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET
from headwater.apis.tenancy.v1alpha1 import WORKSPACE, WORKSPACE_TYPE
from headwater.apis.tenancy.v1alpha1.workspace import GROUP as TENANCY_GROUP
from headwater.machinery.logicalcluster import ROOT

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportDefinition:
    """An APIExport of kinds that are written in Python. ``policy``: consumers' rights are limited by RBAC beside it."""

    name: str
    kinds: Sequence[Kind]
    policy: bool = False


SHARDS_EXPORT = "shards.core.kcp.io"

ROOT_EXPORTS = (
    ExportDefinition("tenancy.kcp.io", (WORKSPACE, WORKSPACE_TYPE), policy=True),
    ExportDefinition("sync.kcp.io", (SYNC_TARGET,)),
    ExportDefinition("placement.kcp.io", (LOCATION, PLACEMENT)),
    ExportDefinition(SHARDS_EXPORT, (SHARD,)),
)

DEFAULT_EXPORTS = ("tenancy.kcp.io", "sync.kcp.io", "placement.kcp.io")
"""Exports of ``root`` that every workspace binds."""


@cache
def schema_of(kind: Kind) -> Object:
    """The APIResourceSchema of a kind; shared and read-only."""
    return api_resource_schema_of([kind])


def export_object(name: str, schemas: Mapping[tuple[str, str], str], *, policy: bool) -> Object:
    """An APIExport of schemas by (group, resource)."""
    resources = [
        {"group": group, "name": resource, "schema": schema, "storage": {"crd": {}}}
        for (group, resource), schema in schemas.items()
    ]
    spec: Object = {"resources": resources}
    if policy:
        spec["maximalPermissionPolicy"] = {"local": {}}
    return {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name}, "spec": spec}


def definition_object(definition: ExportDefinition) -> Object:
    schemas = {(kind.group, kind.plural): schema_of(kind)["metadata"]["name"] for kind in definition.kinds}
    return export_object(definition.name, schemas, policy=definition.policy)


def workspace_types() -> list[Object]:
    """The types in ``root``. All build on universal, so a limit to universal also admits organizations and teams."""
    bindings = [{"path": ROOT, "export": name} for name in DEFAULT_EXPORTS]
    return [
        _type("universal", {"initializer": True, "defaultAPIBindings": bindings}),
        _type("root", _extending(child="organization", parents=None)),
        _type("home", _extending(child="universal", parents=None)),
        _type("organization", _extending(child="universal", parents=["root"], children=["universal"])),
        _type("team", _extending(child="universal", parents=["organization", "team"])),
    ]


USABLE_TYPES = ("universal", "organization", "team")


def _extending(*, child: str, parents: Sequence[str] | None, children: Sequence[str] = ()) -> Object:
    spec: Object = {
        "extend": {"with": [_reference("universal")]},
        "defaultChildWorkspaceType": _reference(child),
        "limitAllowedParents": {"none": True} if parents is None else {"types": [_reference(p) for p in parents]},
    }
    if children:
        spec["limitAllowedChildren"] = {"types": [_reference(name) for name in children]}
    return spec


def _reference(name: str) -> Object:
    return {"name": name, "path": ROOT}


def _type(name: str, spec: Object) -> Object:
    return {
        "apiVersion": f"{TENANCY_GROUP}/v1alpha1",
        "kind": "WorkspaceType",
        "metadata": {"name": name},
        "spec": {"defaultAPIBindingLifecycle": "InitializeOnly", **spec},
    }
