"""The stage on which virtual workspaces are tested: an API of our own, two targets, a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.integration.scheduling.ground import COMPUTE, EXPORTS, NAMESPACES, SCHEMAS, Ground, Space, Syncer, eventually

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import Client, ClusterClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, uid

COWBOYS = GroupVersionResource("wildwest.dev", "v1alpha1", "cowboys")
CLUSTER_ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
CLUSTER_ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
SPEC_DIFF = "experimental.spec-diff.workload.kcp.io/"
SUMMARIZING = "experimental.summarizing.workload.kcp.io"


@dataclass(frozen=True, slots=True)
class Stage:
    """The location workspace, the tenant's workspace, and the syncers by target name."""

    ground: Ground
    west: Space
    tenant: Space
    north: Syncer
    south: Syncer

    async def place(self, *targets: str) -> None:
        """Place everything of the tenant on each of these targets, by a Placement of the same name."""
        for name in targets:
            selector = {"names": [name]}
            await self.tenant.place(name, locationWorkspace=self.west.path, locationSelector=selector)
        keys = dict.fromkeys((self.west.key(name) for name in targets), "Sync")
        await self.tenant.holds_namespace("default", keys)

    async def cowboy(self, name: str = "luke", **meta: Any) -> Object:
        """A cowboy of the tenant, as soon as it is on all targets of its namespace."""
        body = {"apiVersion": "wildwest.dev/v1alpha1", "kind": "Cowboy", "metadata": {"name": name, **meta}}
        cowboys = self.tenant.resource(COWBOYS, "default")
        await cowboys.create({**body, "spec": {"intent": "sing", "songs": 3}})
        space = await self.tenant.resource(NAMESPACES).get("default")
        wanted = {label for label in space["metadata"]["labels"] if label.startswith("state.")}
        return await eventually(lambda: cowboys.get(name), lambda obj: wanted <= set(obj["metadata"].get("labels", {})))

    async def stored(self, name: str = "luke") -> Object:
        """A cowboy as it is in the tenant's workspace."""
        return await self.tenant.resource(COWBOYS, "default").get(name)

    async def as_user(self, user: UserInfo, target: str) -> ClusterClient:
        """Somebody's client of a target's virtual workspace."""
        found = await self.west.resource(SYNC_TARGETS).get(target)
        base = f"/services/syncer/{self.west.cluster}/{target}/{uid(found)}"
        return ClusterClient(self.ground.process.api.loopback(user), base_path=base)

    def root(self, syncer: Syncer) -> Client:
        """The virtual workspace without a cluster."""
        return syncer.client.cluster("")


def cowboy_schema() -> Object:
    properties = {
        "spec": {
            "type": "object",
            "properties": {"intent": {"type": "string"}, "songs": {"type": "integer"}},
        },
        "status": {"type": "object", "properties": {"result": {"type": "string"}}},
    }
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"type": "object", "properties": properties},
        "subresources": {"status": {}},
    }
    names = {"plural": "cowboys", "singular": "cowboy", "kind": "Cowboy", "listKind": "CowboyList"}
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": "today.cowboys.wildwest.dev"},
        "spec": {"group": "wildwest.dev", "names": names, "scope": "Namespaced", "versions": [version]},
    }


async def set_stage(ground: Ground) -> Stage:
    """Export cowboys, bind them, and make the targets."""
    west = await ground.workspace("west", compute=False)
    await west.resource(SCHEMAS).create(cowboy_schema())
    entry = {"group": "wildwest.dev", "name": "cowboys", "schema": "today.cowboys.wildwest.dev"}
    meta = {"name": "wildwest", "annotations": {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}}
    body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": meta}
    made = west.resource(EXPORTS)
    await made.create({**body, "spec": {"resources": [entry]}})
    await eventually(lambda: made.get("wildwest"), lambda obj: (obj.get("status") or {}).get("identityHash"))
    exports = [{"export": "wildwest"}, COMPUTE]
    for name in ("north", "south"):
        await west.target(name, supportedAPIExports=exports)
        await west.location(name, {"matchLabels": {"name": name}})
    tenant = await ground.workspace("tenant", compute=False)
    await tenant.bind(west.path, "wildwest")
    return Stage(ground, west, tenant, await ground.syncer(west, "north"), await ground.syncer(west, "south"))


def view_of(syncer: Syncer, tenant: Space, name: str = "luke") -> Any:
    """The coroutine that reads a cowboy through a virtual workspace."""
    return syncer.resource(tenant, COWBOYS).get(name)
