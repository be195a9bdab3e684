"""A control plane with many SyncTargets and workloads, whose syncers are played by light writers and watchers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from headwater.apis.placement.v1alpha1.location import LOCATION, LOCATIONS
from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_READY, WORKSPACE
from headwater.apis.workload.labels import STATE_LABEL_PREFIX
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer, only_metadata
from headwater.client.interface import TransportError
from headwater.client.kubeconfig import load_file
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, nested, resource_version, uid
from headwater.machinery.timestamps import format_time

BINDINGS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apibindings")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
COMPUTE = {"path": "root:compute", "export": "kubernetes"}
_WORKSPACES, _NAMESPACES, _TARGETS_OF_GROUP, _WATCHED = 20, 10, 5, 10
_CONNECTIONS = 32
_HEARTBEAT_SECONDS = 20.0
_LONGEST_SECONDS = 600.0
_WRITES = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_T = TypeVar("_T")
_R = TypeVar("_R")
_HEARTBEAT = "PATCH synctargets/status"
_REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")


class AdminToken:
    """The administrator's token, which is another one after each start."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._token = ""

    def token(self) -> str:
        if not self._token:
            self._token = load_file(self._kubeconfig).settings("root").token
        return self._token

    def refused(self) -> None:
        self._token = ""


@dataclass(slots=True)
class Fleet:
    """The hub, its targets by name, and the logical clusters of the tenants."""

    hub: ClusterClient
    targets: dict[str, Object] = field(default_factory=dict)
    platform: str = ""
    tenants: list[str] = field(default_factory=list)
    groups: int = 1
    beats: int = 0

    async def build(self, targets: int, workloads: int) -> None:
        """Register the targets, then place the workloads on them."""
        self.platform, *self.tenants = await together(
            self._workspace, ["platform", *map("tenant-{}".format, range(_WORKSPACES))]
        )
        self.groups = targets // _TARGETS_OF_GROUP
        await together(self._target, range(targets))
        await together(self._location, range(self.groups))
        spaces = [(tenant, f"space-{number}") for tenant in self.tenants for number in range(_NAMESPACES)]
        await together(self._bind, self.tenants)
        await together(self._space, enumerate(spaces))
        await together(self._workload, [(*spaces[number % len(spaces)], f"w{number}") for number in range(workloads)])

    async def _workspace(self, workspace: str) -> str:
        client = self.hub.cluster("root").resource(WORKSPACE.gvr)
        await client.create(
            {"apiVersion": WORKSPACE.api_version, "kind": WORKSPACE.kind, "metadata": {"name": workspace}}
        )
        ready = await until(
            lambda: client.get(workspace), lambda obj: nested(obj, "status", "phase", default="") == PHASE_READY
        )
        return str(ready["spec"]["cluster"])

    async def _location(self, group: int) -> None:
        body: Object = {
            "apiVersion": LOCATION.api_version,
            "kind": LOCATION.kind,
            "metadata": {"name": f"group-{group}"},
        }
        body["spec"] = {"instanceSelector": {"matchLabels": {"group": str(group)}}}
        await self.hub.cluster(self.platform).resource(LOCATIONS).create(body)

    async def _target(self, number: int) -> None:
        """Register a target, and accept for it all that it is offered."""
        target = f"target-{number}"
        client = self.hub.cluster(self.platform).resource(SYNC_TARGETS)
        body: Object = {"apiVersion": SYNC_TARGET.api_version, "kind": SYNC_TARGET.kind, "metadata": {}}
        body["metadata"] = {"name": target, "labels": {"group": str(number % self.groups)}}
        await client.create({**body, "spec": {"supportedAPIExports": [COMPUTE]}})
        offered = await until(
            lambda: client.get(target), lambda obj: nested(obj, "status", "syncedResources", default=[])
        )
        accepted = [{**each, "state": "Accepted"} for each in offered["status"]["syncedResources"]]
        await client.patch_status(target, {"status": {"syncedResources": accepted, **_now()}})
        self.targets[target] = offered

    async def _bind(self, tenant: str) -> None:
        client = self.hub.cluster(tenant).resource(BINDINGS)
        body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": "kubernetes"}}
        await client.create(
            {**body, "spec": {"reference": {"export": {"path": COMPUTE["path"], "name": "kubernetes"}}}}
        )
        await until(lambda: client.get("kubernetes"), lambda obj: nested(obj, "status", "phase", default="") == "Bound")

    async def _space(self, numbered: tuple[int, tuple[str, str]]) -> None:
        """A namespace with a Placement of its own on one group of targets."""
        number, (tenant, namespace) = numbered
        mark = {"kubernetes.io/metadata.name": namespace}
        meta = {"name": namespace}
        await (
            self.hub.cluster(tenant)
            .resource(NAMESPACES)
            .create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": mark}})
        )
        spec = {"namespaceSelector": {"matchLabels": mark}, "locationWorkspace": "root:platform"}
        spec["locationSelector"] = {"names": [f"group-{number % self.groups}"]}
        await (
            self.hub.cluster(tenant)
            .resource(PLACEMENTS)
            .create({"apiVersion": PLACEMENT.api_version, "kind": PLACEMENT.kind, "metadata": meta, "spec": spec})
        )

    async def _workload(self, place: tuple[str, str, str]) -> None:
        tenant, namespace, workload = place
        await self.hub.cluster(tenant).resource(DEPLOYMENTS, namespace).create(deployment(workload))

    async def placed(self) -> dict[str, tuple[str, str]]:
        """Each workload's resourceVersion and target key, by uid; the key is "" for one that is on no target."""
        clients = [self.hub.cluster(tenant).resource(DEPLOYMENTS) for tenant in self.tenants]
        lists = [await each.list_all(metadata_only=True, transform=only_metadata) for each in clients]
        return {uid(each): (resource_version(each), target_key(each)) for items, _ in lists for each in items}

    async def beat(self) -> None:
        """Heartbeats of all targets, evenly over the interval, until cancelled."""
        async with asyncio.TaskGroup() as running:
            while True:
                client = self.hub.cluster(self.platform).resource(SYNC_TARGETS)
                started = time.perf_counter()
                targets = list(self.targets)
                for number, target in enumerate(targets):
                    due = started + number * _HEARTBEAT_SECONDS / len(targets)
                    await asyncio.sleep(max(due - time.perf_counter(), 0))
                    running.create_task(self._beat(client.patch_status(target, {"status": _now()})))
                await asyncio.sleep(0.1)

    async def _beat(self, write: Awaitable[object]) -> None:
        with suppress(StatusError, TransportError):
            await write
            self.beats += 1

    def watched(self) -> list[Informer]:
        """The first targets as their syncers see them."""
        found = []
        for target in list(self.targets.values())[:_WATCHED]:
            base = f"/services/syncer/{cluster_name(target)}/{name(target)}/{uid(target)}"
            view = ClusterClient(self.hub.transport, base_path=base)
            found.append(Informer(view.cluster("*").resource(DEPLOYMENTS), name=name(target)))
        return found

    async def writes(self) -> dict[str, int]:
        """How many writes the hub has answered since its start, by verb and resource; without heartbeats."""
        text = (await self.hub.cluster("").raw("GET", "/metrics")).body.decode()
        found: dict[str, int] = {}
        for match in _WRITES.finditer(text):
            of = dict(pair.split("=", 1) for pair in match["labels"].replace('"', "").split(","))
            if of["verb"] in ("POST", "PUT", "PATCH", "DELETE") and of["code"] < "300" and of["group"] not in _REVIEWS:
                what = f"{of['verb']} {of['resource']}" + (f"/{of['subresource']}" if of["subresource"] else "")
                found[what] = found.get(what, 0) + int(float(match["count"]))
        found.pop(_HEARTBEAT, None)
        return found


async def until(read: Callable[[], Awaitable[_T]], accept: Callable[[_T], object], pause: float = 0.05) -> _T:
    """Read until the result is accepted; what fails counts as not yet."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while True:
            with suppress(StatusError, TransportError):
                found = await read()
                if accept(found):
                    return found
            await asyncio.sleep(pause)


async def together(call: Callable[[_T], Awaitable[_R]], each: Iterable[_T]) -> list[_R]:
    """What the calls answer, made over all connections at once."""
    bound = asyncio.Semaphore(_CONNECTIONS)

    async def bounded(one: _T) -> _R:
        async with bound:
            return await call(one)

    return await asyncio.gather(*map(bounded, each))


def _now() -> dict[str, str]:
    return {"lastSyncerHeartbeatTime": format_time(datetime.now(UTC))}


def target_key(obj: Object) -> str:
    """Key of the target that an object is on; "" for none."""
    keys = [label.removeprefix(STATE_LABEL_PREFIX) for label in labels(obj) if label.startswith(STATE_LABEL_PREFIX)]
    return ",".join(sorted(keys))


def deployment(workload: str) -> Object:
    """One small pod."""
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "10m"}}}
    pod = {"metadata": {"labels": {"app": workload}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": workload}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": workload}, "spec": spec}
