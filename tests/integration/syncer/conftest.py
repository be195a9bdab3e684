"""A control plane, a simulated pcluster and a syncer between them, all in the test process and over real TLS."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.integration.servers import eventually
from tests.ports import free_port

from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.apis.workload.labels import sync_target_key, syncer_id
from headwater.base import yamlio
from headwater.base.clock import Clock
from headwater.cli.synctarget.manifests import SyncerPlan, downstream_objects, syncer_kubeconfig, upstream_objects
from headwater.client.dynamic import Client
from headwater.client.kubeconfig import Kubeconfig, load_file
from headwater.machinery.conditions import is_true
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, uid
from headwater.server.options import Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import credentials_workspace, syncer_workspace, upsyncer_workspace
from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.options import SyncerOptions
from headwater.syncer.run import run
from headwater.telemetry.tracing import Tracing

_RBAC = "rbac.authorization.k8s.io"
PLURALS = {
    "Namespace": GroupVersionResource("", "v1", "namespaces"),
    "ServiceAccount": GroupVersionResource("", "v1", "serviceaccounts"),
    "Secret": GroupVersionResource("", "v1", "secrets"),
    "ClusterRole": GroupVersionResource(_RBAC, "v1", "clusterroles"),
    "ClusterRoleBinding": GroupVersionResource(_RBAC, "v1", "clusterrolebindings"),
    "Role": GroupVersionResource(_RBAC, "v1", "roles"),
    "RoleBinding": GroupVersionResource(_RBAC, "v1", "rolebindings"),
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
    tracing: Tracing | None = None
    clock: Clock | None = None

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
        self.agent = asyncio.create_task(run(self.options, tracing=self.tracing, clock=self.clock))

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


async def create_workspace(process: ControlPlaneProcess, name: str = "shop") -> Client:
    """A workspace with the sync and placement APIs bound."""
    workspaces = process.client.cluster("root").resource(
        GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
    )
    await workspaces.create(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": {}}
    )

    async def ready() -> Object | None:
        found = await workspaces.get(name)
        return found if (found.get("status") or {}).get("phase") == "Ready" else None

    cluster = (await eventually(ready))["spec"]["cluster"]
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


async def register(client: Client, url: str, ca: bytes, target_name: str) -> tuple[Object, SyncerPlan]:
    """A SyncTarget and the account of its syncer, as `headwater sync-target create` makes them."""
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

    async def resources() -> list[Object]:
        found = await client.resource(SYNC_TARGETS).get(target_name)
        entries: list[Object] = (found.get("status") or {}).get("syncedResources") or []
        return entries

    offered = await eventually(resources)
    plan = SyncerPlan(
        syncer_id=identity,
        sync_target_name=target_name,
        sync_target_uid=uid(target),
        cluster=cluster_name(target),
        upstream_url=f"{url}/clusters/{cluster_name(target)}",
        ca_data=ca,
        token=await token_of(client, identity, "default"),
        namespace="kcp-syncer",
        image="",
        replicas=1,
        resources=tuple((entry.get("group", ""), entry["resource"]) for entry in offered),
    )
    return target, plan


async def token_of(client: Client, account: str, space: str) -> str:
    """The token of a service account, once it is in its Secret."""

    async def token() -> str:
        secret = await client.resource(PLURALS["Secret"], space).get(f"{account}-token")
        return base64.b64decode((secret.get("data") or {}).get("token", "")).decode()

    found: str = await eventually(token)
    return found


async def install(pcluster: PCluster, plan: SyncerPlan) -> Kubeconfig:
    """Apply the syncer's manifests to the pcluster; the kubeconfig that its account there has."""
    client = pcluster.client().cluster("")
    for obj in downstream_objects(plan):
        if obj["kind"] != "Deployment":  # The agent runs in the test process.
            space = obj["metadata"].get("namespace", "")
            await client.resource(PLURALS[obj["kind"]], space).apply(obj, field_manager="test")
    config = load_file(pcluster.kubeconfig_path)
    admin = next(iter(config.clusters.values()))
    limited = Kubeconfig(current_context="west")
    limited.set_context("west", cluster=admin, user={"token": await token_of(client, plan.syncer_id, plan.namespace)})
    return limited


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
async def made_once(*directories: Path) -> AsyncIterator[None]:
    """Around the start of servers: keys and certificates come from an earlier test, since they are slow to make.

    They are kept by the name of the server's directory, beside the temporary directories of this run's tests.
    """
    kept = {each / "pki": each.parent.parent / "keys" / each.name for each in directories}
    for pki, store in kept.items():
        if store.exists():
            shutil.copytree(store, pki)
    yield
    for pki, store in kept.items():
        if not store.exists():
            shutil.copytree(pki, store)


@asynccontextmanager
async def running_line(
    tmp_path: Path,
    *,
    store: str,
    hub_tracing: Tracing | None = None,
    syncer_tracing: Tracing | None = None,
    clock: Clock | None = None,
    clean_delay_seconds: float = 0.2,
) -> AsyncIterator[Line]:
    """Everything running, the SyncTarget ready, and a Placement for all namespaces."""
    options = Options(
        root_directory=tmp_path / "control-plane",
        store=store,
        serving=ServingOptions(secure_port=free_port(), shutdown_grace_seconds=0.2),
    )
    workspaces = (syncer_workspace, upsyncer_workspace, credentials_workspace)
    process = ControlPlaneProcess(options, virtual_workspaces=workspaces, tracing=hub_tracing, clock=clock)
    pcluster = PCluster(PClusterOptions(name="west", directory=tmp_path / "west", nodes=2, in_memory=True))
    line: Line | None = None
    try:
        async with made_once(options.root_directory, pcluster.options.directory):
            await process.start()
            await pcluster.start()
        try:
            line = await registered(
                tmp_path, process, pcluster, syncer_tracing, clock, clean_delay_seconds=clean_delay_seconds
            )
            yield line
        finally:
            if line is not None:
                await line.stop_agent()
            await pcluster.stop()
    finally:
        await (line.control_plane if line is not None else process).stop()


async def registered(
    tmp_path: Path,
    process: ControlPlaneProcess,
    pcluster: PCluster,
    tracing: Tracing | None = None,
    clock: Clock | None = None,
    *,
    clean_delay_seconds: float = 0.2,
) -> Line:
    """The pcluster registered in a new workspace, its agent running and ready."""
    workspace = await create_workspace(process)
    await bind(workspace, "root:compute", "kubernetes")
    ca = (tmp_path / "control-plane" / "pki" / "ca.crt").read_bytes()
    target, plan = await register(workspace, process.url, ca, "west")
    upstream, downstream = tmp_path / "upstream.kubeconfig", tmp_path / "downstream.kubeconfig"
    upstream.write_text(yamlio.dump(syncer_kubeconfig(plan)))
    (await install(pcluster, plan)).save(downstream)
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
            from_kubeconfig=upstream,
            to_kubeconfig=downstream,
            heartbeat_seconds=1,
            namespace_clean_delay_seconds=clean_delay_seconds,
        ),
        tracing=tracing,
        clock=clock,
    )
    line.start_agent()

    async def ready() -> bool:
        return is_true(await line.sync_target(), "Ready")

    try:
        await eventually(ready)
        await place(workspace)
    except BaseException:
        await line.stop_agent()
        raise
    return line


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
