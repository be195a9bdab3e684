"""A control plane with workspaces, SyncTargets and Placements, on which tests play the syncer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import at_rest

from headwater.apis.placement.v1alpha1.location import LOCATION, LOCATIONS
from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.apis.workload.labels import DELETION_ANNOTATION_PREFIX, STATE_LABEL_PREFIX, sync_target_key
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.resource import ResourceClient
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, labels, uid
from headwater.machinery.timestamps import format_time
from headwater.server.process import ControlPlaneProcess

WORKSPACES = GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
BINDINGS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apibindings")
EXPORTS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apiexports")
SCHEMAS = GroupVersionResource("apis.kcp.io", "v1alpha1", "apiresourceschemas")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
SECRETS = GroupVersionResource("", "v1", "secrets")
SERVICES = GroupVersionResource("", "v1", "services")
PODS = GroupVersionResource("", "v1", "pods")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
COMPUTE = {"path": "root:compute", "export": "kubernetes"}

_T = TypeVar("_T")


async def eventually(read: Callable[[], Awaitable[_T]], accept: Callable[[_T], object], seconds: float = 60.0) -> _T:
    """Read until the result is accepted; a NotFound counts as not yet. Raises AssertionError with the last result."""
    last: _T | NotFound | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    last = await read()
                    if accept(last):
                        return last
                except NotFound as error:
                    last = error
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not accepted: {last}") from None


async def gone(read: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Wait until a read answers NotFound."""

    async def missing() -> bool:
        try:
            await read()
        except NotFound:
            return True
        return False

    await eventually(missing, bool, seconds)


def states(obj: Object) -> dict[str, str]:
    """Sync target key -> state label, with a `-` behind it while it is marked for removal."""
    notes = annotations(obj)
    found = {}
    for label, value in labels(obj).items():
        if label.startswith(STATE_LABEL_PREFIX):
            key = label.removeprefix(STATE_LABEL_PREFIX)
            found[key] = value + "-" * (DELETION_ANNOTATION_PREFIX + key in notes)
    return found


@dataclass(frozen=True, slots=True)
class Space:
    """One workspace with a privileged client of it."""

    ground: Ground
    client: Client
    cluster: str
    path: str

    def resource(self, gvr: GroupVersionResource, namespace: str = "") -> ResourceClient:
        return self.client.resource(gvr, namespace)

    def key(self, target: str) -> str:
        """Key of a SyncTarget of this workspace."""
        return sync_target_key(self.cluster, target)

    async def bind(self, path: str = "root:compute", export: str = "kubernetes") -> None:
        """Bind an export and wait until it is bound."""
        reference = {"export": {"path": path, "name": export}}
        body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": export}}
        await self.resource(BINDINGS).create({**body, "spec": {"reference": reference}})
        read = self.resource(BINDINGS).get
        await eventually(lambda: read(export), lambda obj: (obj.get("status") or {}).get("phase") == "Bound")

    async def target(self, name: str, *, ready: bool = True, **spec: Any) -> str:
        """Make a SyncTarget labelled `name=<name>`, by default one that is ready for compute. Answers its key."""
        spec.setdefault("supportedAPIExports", [COMPUTE])
        meta = {"name": name, "labels": {"name": name}}
        body = {"apiVersion": SYNC_TARGET.api_version, "kind": SYNC_TARGET.kind, "metadata": meta, "spec": spec}
        await self.resource(SYNC_TARGETS).create(body)
        if ready:
            await self.accept(name)
            await self.beat(name)
        return self.key(name)

    async def accept(self, name: str) -> None:
        """Play the syncer that finds all offered resources compatible."""

        async def write() -> bool:
            target = await self.resource(SYNC_TARGETS).get(name)
            entries = (target.get("status") or {}).get("syncedResources") or []
            if not entries:
                return False
            for entry in entries:
                entry["state"] = "Accepted"
            try:
                await self.resource(SYNC_TARGETS).update_status(target)
            except Conflict:
                return False
            return True

        await eventually(write, bool)

    async def beat(self, name: str) -> None:
        """Play the syncer's heartbeat, and wait until it was judged."""
        at = format_time(self.ground.clock.now())
        await self.resource(SYNC_TARGETS).patch_status(name, {"status": {"lastSyncerHeartbeatTime": at}})
        await self.condition(SYNC_TARGETS, name, "Ready", "True")

    async def capacity(self, name: str, **amounts: str) -> None:
        """Play the syncer that reports what its pcluster has for workloads."""
        await self.resource(SYNC_TARGETS).patch_status(name, {"status": {"allocatable": amounts}})

    async def location(self, name: str, selector: Object | None = None, **marks: str) -> None:
        """Make a Location with labels."""
        meta = {"name": name, "labels": marks}
        body = {"apiVersion": LOCATION.api_version, "kind": LOCATION.kind, "metadata": meta}
        await self.resource(LOCATIONS).create({**body, "spec": {"instanceSelector": selector or {}}})

    async def place(self, name: str = "all", **spec: Any) -> Object:
        """Make a Placement."""
        body = {"apiVersion": PLACEMENT.api_version, "kind": PLACEMENT.kind, "metadata": {"name": name}}
        return await self.resource(PLACEMENTS).create({**body, "spec": spec})

    async def phase(self, phase: str, name: str = "all") -> Object:
        """Wait for the phase of a Placement."""
        read = self.resource(PLACEMENTS).get
        return await eventually(lambda: read(name), lambda obj: obj["status"].get("phase") == phase)

    async def chosen(self, *targets: str, name: str = "all") -> Object:
        """Wait until exactly these SyncTargets are decided for a Placement, by name."""

        def decided(obj: Object) -> bool:
            return {each["syncTarget"] for each in obj["status"].get("decisions") or ()} == set(targets)

        return await eventually(lambda: self.resource(PLACEMENTS).get(name), decided)

    async def condition(
        self, gvr: GroupVersionResource, name: str, kind: str, status: str, reason: str = "", message: str = ""
    ) -> Object:
        """Wait until an object's condition has this status (and reason, and text in its message)."""

        def holds(obj: Object) -> bool:
            found = get_condition(obj, kind) or {}
            return (
                found.get("status") == status
                and reason in ("", found.get("reason"))
                and message in str(found.get("message", ""))
            )

        return await eventually(lambda: self.resource(gvr).get(name), holds)

    async def condition_of(self, deployment: str, status: str, reason: str, message: str) -> Object:
        """Wait until the condition Scheduled of a Deployment says so."""

        def holds(obj: Object) -> bool:
            found = get_condition(obj, "Scheduled") or {}
            return (found.get("status"), found.get("reason")) == (status, reason) and message in found["message"]

        return await eventually(lambda: self.resource(DEPLOYMENTS, "default").get(deployment), holds)

    async def namespace(self, name: str, **marks: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": marks}}
        await self.resource(NAMESPACES).create(body)

    async def holds_namespace(self, name: str, expected: dict[str, str]) -> Object:
        """Wait until the state labels of a Namespace are as expected (see `states`)."""
        return await eventually(lambda: self.resource(NAMESPACES).get(name), lambda obj: states(obj) == expected)

    async def holds(
        self, gvr: GroupVersionResource, name: str, expected: dict[str, str], namespace: str = "default"
    ) -> Object:
        """Wait until the state labels of an object are as expected (see `states`)."""
        return await eventually(lambda: self.resource(gvr, namespace).get(name), lambda obj: states(obj) == expected)


class Ground:
    """One control plane and its clock."""

    def __init__(self, process: ControlPlaneProcess, clock: SkipClock) -> None:
        self.process = process
        self.clock = clock
        self.client = process.client

    async def skip(self, seconds: float) -> None:
        """Move time forward, once the controllers have nothing to write any more."""
        await at_rest(self.process.api.store.backend)
        self.clock.skip(seconds)

    def as_user(self, user: UserInfo) -> ClusterClient:
        """A client for someone who logged in."""
        return ClusterClient(self.process.api.loopback(user))

    def space(self, cluster: str, path: str) -> Space:
        return Space(self, self.client.cluster(cluster), cluster, path)

    async def workspace(self, name: str, *, compute: bool = True, type_: str = "universal") -> Space:
        """Make a workspace below root, by default with the compute APIs bound."""
        workspaces = self.client.cluster("root").resource(WORKSPACES)
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
        await workspaces.create({**body, "spec": {"type": {"name": type_}}})
        ready = await eventually(
            lambda: workspaces.get(name), lambda obj: (obj.get("status") or {}).get("phase") == "Ready"
        )
        space = self.space(ready["spec"]["cluster"], f"root:{name}")
        if compute:
            await space.bind()
        return space

    async def syncer(self, space: Space, target: str) -> Syncer:
        """The syncer of a SyncTarget, played by the test through the virtual workspace."""
        found = await space.resource(SYNC_TARGETS).get(target)
        base = f"/services/syncer/{space.cluster}/{target}/{uid(found)}"
        return Syncer(ClusterClient(self.process.api.loopback(), base_path=base), space.key(target))


@dataclass(frozen=True, slots=True)
class Syncer:
    """What a syncer does to objects of one namespace, step by step."""

    client: ClusterClient
    key: str

    @property
    def finalizer(self) -> str:
        return f"workload.kcp.io/syncer-{self.key}"

    def resource(self, space: Space, gvr: GroupVersionResource, namespace: str = "default") -> ResourceClient:
        return self.client.cluster(space.cluster).resource(gvr, namespace)

    async def claim(self, space: Space, gvr: GroupVersionResource, name: str) -> Object:
        """Wait until the object is there, and put the finalizer on it."""
        view = self.resource(space, gvr)
        await eventually(lambda: view.get(name), bool)
        return await view.patch(name, {"metadata": {"finalizers": [self.finalizer]}})

    async def report(self, space: Space, gvr: GroupVersionResource, name: str, **status: Any) -> Object:
        """Report a status."""
        return await self.resource(space, gvr).patch_status(name, {"status": status})

    async def let_go(self, space: Space, gvr: GroupVersionResource, name: str) -> None:
        """Wait until the object is to be dropped, and take the finalizer away."""
        view = self.resource(space, gvr)
        await eventually(lambda: view.get(name), lambda obj: "deletionTimestamp" in obj["metadata"])
        await view.patch(name, {"metadata": {"finalizers": None}})


def config_map(name: str, **meta: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": {"a": "1"}}


def deployment(name: str, replicas: int = 2, *, cpu: str = "", **marks: str) -> Object:
    """A Deployment with labels of its own besides `app`; each pod requests so much cpu."""
    container: Object = {"name": "c", "image": "nginx"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod}
    meta = {"name": name, "labels": {"app": name, **marks}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def ready_status(replicas: int) -> dict[str, int]:
    """Status of a Deployment that runs as many pods as it should."""
    return dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
