"""What tests do with a control plane: act as users, make workspaces, wait for conditions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import Client, ClusterClient
from headwater.machinery import conditions
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.server.process import ControlPlaneProcess

WORKSPACES = GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
WORKSPACE_TYPES = GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspacetypes")
LOGICAL_CLUSTERS = GroupVersionResource("core.kcp.io", "v1alpha1", "logicalclusters")
SCHEMAS = GroupVersionResource("apis.kcp.io", "v1alpha1", "apiresourceschemas")
EXPORTS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apiexports")
BINDINGS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apibindings")
SLICES = GroupVersionResource("apis.kcp.io", "v1alpha1", "apiexportendpointslices")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
SECRETS = GroupVersionResource("", "v1", "secrets")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
CRDS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
CLUSTER_ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
CLUSTER_ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
WIDGETS = GroupVersionResource("example.io", "v1", "widgets")

ALICE = UserInfo("alice", groups=("system:authenticated",))
BOB = UserInfo("bob", groups=("system:authenticated",))
KCP_ADMIN = UserInfo("kcp-admin", groups=("system:kcp:admin", "system:authenticated"))

_T = TypeVar("_T")


async def eventually(read: Callable[[], Awaitable[_T]], accept: Callable[[_T], object], seconds: float = 60.0) -> _T:
    """Read again and again until the result is accepted. Raises TimeoutError with the last result."""
    last: _T | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                last = await read()
                if accept(last):
                    return last
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise TimeoutError(f"not accepted: {last}") from None


async def gone(read: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Wait until a read answers NotFound."""

    async def is_gone() -> bool:
        try:
            await read()
        except NotFound:
            return True
        return False

    await eventually(is_gone, bool, seconds)


class Plane:
    """One control plane."""

    def __init__(self, process: ControlPlaneProcess) -> None:
        self.process = process
        self.client = process.client

    def cluster(self, cluster: str) -> Client:
        """A privileged client."""
        return self.client.cluster(cluster)

    def as_user(self, user: UserInfo, cluster: str) -> Client:
        """A client for someone who logged in."""
        return ClusterClient(self.process.api.loopback(user)).cluster(cluster)

    async def create_workspace(
        self, name: str, *, parent: str = "root", type_: str = "", user: UserInfo | None = None
    ) -> str:
        """Create a workspace and wait until it is Ready; answers the name of its logical cluster."""
        client = self.as_user(user, parent) if user is not None else self.cluster(parent)
        spec: Object = {"type": {"name": type_}} if type_ else {}
        obj = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
        await client.resource(WORKSPACES).create(obj)
        ready = await self.workspace_phase(name, "Ready", parent=parent)
        cluster: str = ready["spec"]["cluster"]
        return cluster

    async def workspace_phase(self, name: str, phase: str, *, parent: str = "root") -> Object:
        workspaces = self.cluster(parent).resource(WORKSPACES)
        return await eventually(lambda: workspaces.get(name), lambda w: w["status"].get("phase") == phase)

    async def export_widgets(self, cluster: str, *, schema: Object | None = None, **export: object) -> Object:
        """Export widgets.example.io; answers the export with its identity."""
        await self.cluster(cluster).resource(SCHEMAS).create(schema or widget_schema())
        resources = [
            {"group": "example.io", "name": "widgets", "schema": (schema or widget_schema())["metadata"]["name"]}
        ]
        body = {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIExport",
            "metadata": {"name": "widgets"},
            "spec": {"resources": resources, **export},
        }
        exports = self.cluster(cluster).resource(EXPORTS)
        await exports.create(body)
        return await eventually(lambda: exports.get("widgets"), lambda e: e.get("status", {}).get("identityHash"))

    async def bind(
        self, cluster: str, path: str, export: str, *, name: str = "", user: UserInfo | None = None
    ) -> Object:
        """Bind an export and wait until it is Bound."""
        client = self.as_user(user, cluster) if user is not None else self.cluster(cluster)
        body = binding(path, export, name=name)
        await client.resource(BINDINGS).create(body)
        return await self.binding_phase(cluster, name or export, "Bound")

    async def binding_phase(self, cluster: str, name: str, phase: str) -> Object:
        bindings = self.cluster(cluster).resource(BINDINGS)
        return await eventually(lambda: bindings.get(name), lambda b: b.get("status", {}).get("phase") == phase)

    async def binding_condition(self, cluster: str, name: str, type_: str, reason: str) -> Object:
        bindings = self.cluster(cluster).resource(BINDINGS)

        def has(obj: Object) -> bool:
            return (conditions.get_condition(obj, type_) or {}).get("reason") == reason

        return await eventually(lambda: bindings.get(name), has)


def binding(path: str, export: str, *, name: str = "") -> Object:
    return {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": name or export},
        "spec": {"reference": {"export": {"path": path, "name": export}}},
    }


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def widget(name: str, **spec: object) -> Object:
    return {"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def widget_schema(prefix: str = "v1", *, kind: str = "Widget") -> Object:
    properties = {
        "spec": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1, "default": 3}}},
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    }
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"{prefix}.widgets.example.io"},
        "spec": {
            "group": "example.io",
            "names": {"plural": "widgets", "singular": "widget", "kind": kind, "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"type": "object", "properties": properties},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                }
            ],
        },
    }


def widget_crd() -> Object:
    spec = widget_schema()["spec"]
    version = {**spec["versions"][0], "schema": {"openAPIV3Schema": spec["versions"][0]["schema"]}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.io"},
        "spec": {**spec, "versions": [version]},
    }


def allow(user: UserInfo, role: str, *, name: str = "allow") -> Object:
    """A binding of a ClusterRole to one user."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user.name}],
    }
