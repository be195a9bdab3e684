"""A pod of a workspace that runs on a pcluster, as the syncer and its upsync would have made it on both sides."""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.servers import eventually
from tests.integration.syncer.conftest import NAMESPACES, Line

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, TENANT_LABEL, state_label
from headwater.machinery.errors import AlreadyExists
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.identity import TargetIdentity

PODS = GroupVersionResource("", "v1", "pods")


def pod_object(name: str, **meta: object) -> Object:
    containers = [{"name": "main", "image": "registry.example/web:1", "env": [{"name": "COLOR", "value": "green"}]}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **meta},
        "spec": {"containers": containers},
    }


@dataclass(slots=True)
class Ground:
    """The line, with the downstream namespace of the tenant's `default`."""

    line: Line
    space: str

    @property
    def identity(self) -> TargetIdentity:
        return TargetIdentity(self.line.cluster, "west", self.line.options.sync_target_uid)

    async def make_namespace(self) -> None:
        locator = self.identity.locator(self.line.cluster, "default")
        marks = {CLUSTER_LABEL: self.line.key, TENANT_LABEL: locator.tenant_id()}
        meta = {"labels": marks, "annotations": {LOCATOR_ANNOTATION: locator.to_json()}}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space, **meta}}
        await self.line.downstream.resource(NAMESPACES).apply(namespace, field_manager="test", force=True)

    async def pod_below(self, name: str, **labels: str) -> Object:
        """A running pod in the downstream namespace; ours unless the labels say otherwise."""
        marks = {state_label(self.line.key): "Upsync", **labels}
        pods = self.line.downstream.resource(PODS, self.space)
        await pods.create(pod_object(name, labels={key: value for key, value in marks.items() if value}))

        async def running() -> Object | None:
            found = await pods.get(name)
            return found if (found.get("status") or {}).get("phase") == "Running" else None

        return await eventually(running)

    async def pod_above(self, name: str, key: str = "") -> None:
        """The upstream copy of a pod, as upsync makes it."""
        labels = {state_label(key or self.line.key): "Upsync"}
        pods = self.line.workspace.resource(PODS, "default")

        async def running() -> bool:
            """Again when the syncer has taken it back, as it does with what is not marked below."""
            try:
                await pods.create(pod_object(name, labels=labels))
            except AlreadyExists:
                pass  # The syncer was faster.
            await pods.patch_status(name, {"status": {"phase": "Running"}})
            return True

        await eventually(running)

    async def tunnelled(self) -> None:
        """Wait until the tunnel is open."""

        async def open_() -> bool:
            return len(self.line.control_plane.tunnels.registry) > 0

        await eventually(open_)


async def set_ground(line: Line) -> Ground:
    """Pod `web` on both sides, and the tunnel open."""
    ground = Ground(line, line.downstream_namespace("default"))
    await ground.make_namespace()
    await ground.pod_below("web")
    await ground.pod_above("web")
    await ground.tunnelled()
    return ground
