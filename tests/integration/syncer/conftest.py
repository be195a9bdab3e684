"""A control plane, a simulated pcluster and a syncer between them, all in the test process and over real TLS."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.integration.servers import eventually

from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.apis.workload.labels import sync_target_key, syncer_id
from headwater.base import yamlio
from headwater.cli.synctarget.manifests import SyncerPlan, syncer_kubeconfig, upstream_objects
from headwater.client.dynamic import Client
from headwater.machinery.conditions import is_true
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, uid
from headwater.server.options import Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import syncer_workspace
from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.options import SyncerOptions
from headwater.syncer.run import run

_RBAC = "rbac.authorization.k8s.io"
PLURALS = {
    "ServiceAccount": GroupVersionResource("", "v1", "serviceaccounts"),
    "Secret": GroupVersionResource("", "v1", "secrets"),
    "ClusterRole": GroupVersionResource(_RBAC, "v1", "clusterroles"),
    "ClusterRoleBinding": GroupVersionResource(_RBAC, "v1", "clusterrolebindings"),
}
BINDINGS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apibindings")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
WORKSPACES = GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
LOCATIONS = GroupVersionResource("placement.kcp.io", "v1alpha1", "locations")


@dataclass(slots=True)
class Line:
    """The whole line, with one workspace that is tenant and location at once."""

    directory: Path
    control_plane: ControlPlaneProcess
    pcluster: PCluster
    workspace: Client
    downstream: Client
    target: Object
    options: SyncerOptions
    agent: asyncio.Task[None] | None = field(default=None)

    @property
    def cluster(self) -> str:
        """Logical cluster of the workspace."""
        return cluster_name(self.target)

    @property
    def key(self) -> str:
        """Sync target key."""
        return sync_target_key(self.cluster, self.options.sync_target_name)

    def downstream_namespace(self, namespace: str) -> str:
        """Where the copies of a namespace's objects are."""
        identity = TargetIdentity(self.cluster, self.options.sync_target_name, self.options.sync_target_uid)
        return identity.locator(self.cluster, namespace).downstream_namespace()

    def start_agent(self) -> None:
        self.agent = asyncio.create_task(run(self.options))

    async def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.cancel()
            await asyncio.gather(self.agent, return_exceptions=True)
            self.agent = None

    async def sync_target(self) -> Object:
        return await self.workspace.resource(SYNC_TARGETS).get(self.options.sync_target_name)

    async def copies(self, gvr: GroupVersionResource) -> list[Object]:
        """Everything of a resource downstream that the syncer made."""
        selector = f"internal.workload.kcp.io/cluster={self.key}"
        return (await self.downstream.resource(gvr).list_all(label_selector=selector))[0]


async def create_workspace(process: ControlPlaneProcess) -> Client:
    """A workspace with the compute, sync and placement APIs bound."""
    workspaces = process.client.cluster("root").resource(
        GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
    )
    await workspaces.create(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "shop"}, "spec": {}}
    )

    async def ready() -> Object | None:
        found = await workspaces.get("shop")
        return found if (found.get("status") or {}).get("phase") == "Ready" else None

    cluster = (await eventually(ready, seconds=20))["spec"]["cluster"]
    return process.client.cluster(cluster)


async def bind(client: Client, path: str, export: str) -> None:
    """Bind an export and wait until it is bound."""
    bindings = client.resource(BINDINGS)
    reference = {"export": {"path": path, "name": export}}
    await bindings.create(
        {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIBinding",
            "metadata": {"name": export},
            "spec": {"reference": reference},
        }
    )

    async def bound() -> bool:
        return ((await bindings.get(export)).get("status") or {}).get("phase") == "Bound"

    await eventually(bound)


async def register(client: Client, directory: Path, url: str, ca: bytes, target_name: str) -> tuple[Object, Path]:
    """A SyncTarget with its account and kubeconfig, as `headwater sync-target create` makes them."""
    target = await client.resource(SYNC_TARGETS).create(
        {
            "apiVersion": SYNC_TARGET.api_version,
            "kind": "SyncTarget",
            "metadata": {"name": target_name, "labels": {"region": "west"}},
            "spec": {"supportedAPIExports": [{"path": "root:compute", "export": "kubernetes"}]},
        }
    )
    identity = syncer_id(target_name, uid(target))
    for obj in upstream_objects(identity, target, "default"):
        space = obj["metadata"].get("namespace", "")
        await client.resource(PLURALS[obj["kind"]], space).create(obj)

    async def token() -> str:
        secret = await client.resource(PLURALS["Secret"], "default").get(f"{identity}-token")
        return base64.b64decode((secret.get("data") or {}).get("token", "")).decode()

    plan = SyncerPlan(
        syncer_id=identity,
        sync_target_name=target_name,
        sync_target_uid=uid(target),
        cluster=cluster_name(target),
        upstream_url=f"{url}/clusters/{cluster_name(target)}",
        ca_data=ca,
        token=await eventually(token),
        namespace="default",
        image="",
        replicas=1,
        resources=(),
    )
    path = directory / f"{target_name}.kubeconfig"
    path.write_text(yamlio.dump(syncer_kubeconfig(plan)))
    return target, path


async def place(client: Client) -> None:
    """A Location with every target, and a Placement for every namespace."""
    await client.resource(LOCATIONS).create(
        {
            "apiVersion": "placement.kcp.io/v1alpha1",
            "kind": "Location",
            "metadata": {"name": "everywhere"},
            "spec": {"instanceSelector": {}},
        }
    )
    await client.resource(PLACEMENTS).create(
        {
            "apiVersion": PLACEMENT.api_version,
            "kind": "Placement",
            "metadata": {"name": "all"},
            "spec": {"namespaceSelector": {}, "locationSelector": {}},
        }
    )


@asynccontextmanager
async def running_line(tmp_path: Path, *, store: str) -> AsyncIterator[Line]:
    """Everything running, the SyncTarget ready, and a Placement for all namespaces."""
    options = Options(
        root_directory=tmp_path / "control-plane",
        store=store,
        serving=ServingOptions(secure_port=0, shutdown_grace_seconds=0.2),
    )
    process = ControlPlaneProcess(options, virtual_workspaces=(syncer_workspace,))
    pcluster = PCluster(PClusterOptions(name="west", directory=tmp_path / "west", nodes=2, in_memory=True))
    await process.start()
    await pcluster.start()
    workspace = await create_workspace(process)
    await bind(workspace, "root:compute", "kubernetes")
    ca = (tmp_path / "control-plane" / "pki" / "ca.crt").read_bytes()
    target, kubeconfig = await register(workspace, tmp_path, process.url, ca, "west")
    line = Line(
        directory=tmp_path,
        control_plane=process,
        pcluster=pcluster,
        workspace=workspace,
        downstream=pcluster.client().cluster(""),
        target=target,
        options=SyncerOptions(
            sync_target_name="west",
            sync_target_uid=uid(target),
            from_kubeconfig=kubeconfig,
            to_kubeconfig=pcluster.kubeconfig_path,
            heartbeat_seconds=1,
            namespace_clean_delay_seconds=0.2,
        ),
    )
    line.start_agent()

    async def ready() -> bool:
        return is_true(await line.sync_target(), "Ready")

    await eventually(ready, seconds=20)
    await place(workspace)
    yield line
    await line.stop_agent()
    await pcluster.stop()
    await line.control_plane.stop()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """A line whose control plane keeps nothing."""
    async with running_line(tmp_path, store="memory://") as line:
        yield line


@pytest.fixture
async def durable_line(tmp_path: Path) -> AsyncIterator[Line]:
    """A line whose control plane can be restarted."""
    async with running_line(tmp_path, store="") as line:
        yield line
