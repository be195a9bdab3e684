"""The nodes of a simulated pcluster: what they look like, their heartbeats, and the pods of nodes that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, name, uid
from headwater.machinery.timestamps import format_micro_time, format_time
from headwater.sim.changes import Change, Delete, Patch
from headwater.sim.resources import KUBELET_VERSION, NODES, PODS, SIMULATED_LABEL
from headwater.sim.stages.pods import set_condition

ROLE_LABEL = "node-role.kubernetes.io/simulated"
HEARTBEAT_SECONDS = 60.0
LEASE_NAMESPACE = "kube-node-lease"
DEFAULT_CAPACITY = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


@dataclass(frozen=True, slots=True)
class NodeShape:
    """What the nodes of one pcluster are made of. `network` is the second byte of their addresses (10.<network>...)."""

    capacity: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_CAPACITY))
    labels: Mapping[str, str] = field(default_factory=dict)
    network: int = 0


def node(pcluster: str, number: int, shape: NodeShape, now: datetime) -> Object:
    """The `number`th node of a pcluster, counted from 1, as its kubelet registers it."""
    node_name = f"{pcluster}-node-{number}"
    labels = {
        "kubernetes.io/hostname": node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        ROLE_LABEL: "",
        SIMULATED_LABEL: "true",
        **shape.labels,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node_name, "labels": labels},
        "spec": {
            "podCIDR": f"10.{shape.network}.{number}.0/24",
            "podCIDRs": [f"10.{shape.network}.{number}.0/24"],
            "providerID": f"sim://{pcluster}/{node_name}",
        },
        "status": node_status(node_name, number, shape, now),
    }


def node_status(node_name: str, number: int, shape: NodeShape, now: datetime) -> Object:
    """The status of a healthy node. Kubelet and runtime say that they are simulated."""
    identity = base36_sha224(node_name)[:32]
    capacity = {**DEFAULT_CAPACITY, **shape.capacity}
    return {
        "capacity": capacity,
        "allocatable": dict(capacity),
        "addresses": [
            {"type": "InternalIP", "address": host_address(shape.network, number)},
            {"type": "Hostname", "address": node_name},
        ],
        "conditions": _conditions((), format_time(now)),
        "nodeInfo": {
            "machineID": identity,
            "systemUUID": identity,
            "bootID": identity,
            "kernelVersion": "simulated",
            "osImage": "Headwater simulated node",
            "containerRuntimeVersion": "sim://1",
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": KUBELET_VERSION,
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }


def host_address(network: int, number: int) -> str:
    """Address of a node."""
    return f"172.{16 + network % 16}.{network // 16}.{number}"


def host_ip(node_object: Object | None) -> str:
    """The InternalIP that a node says it has."""
    for address in ((node_object or {}).get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address.get("address", ""))
    return ""


def _conditions(known: Iterable[Object], text: str) -> list[Object]:
    result: list[Object] = list(known)
    for kind, reason, message in _PRESSURES:
        result = set_condition(result, kind, "False", reason, message, text, lastHeartbeatTime=text)
    message = "simulated kubelet is posting ready status"
    return set_condition(result, "Ready", "True", "KubeletReady", message, text, lastHeartbeatTime=text)


def heartbeat(node_object: Object, now: datetime) -> Change:
    """A node's sign of life."""
    known = (node_object.get("status") or {}).get("conditions") or ()
    return Patch(NODES, node_object, {"status": {"conditions": _conditions(known, format_time(now))}}, "status")


def lease(node_object: Object, now: datetime) -> Object:
    """The Lease by which a node also shows that it lives."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": name(node_object), "uid": uid(node_object)}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name(node_object), "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": name(node_object),
            "leaseDurationSeconds": int(2 * HEARTBEAT_SECONDS),
            "renewTime": format_micro_time(now),
        },
    }


def is_simulated(node_object: Object) -> bool:
    """Whether the node is one of ours."""
    labels = (node_object.get("metadata") or {}).get("labels") or {}
    return str(labels.get(SIMULATED_LABEL, "")) == "true"


def orphaned_pods(pods: Sequence[Object], nodes: Iterable[Object]) -> list[Change]:
    """Deletions of pods whose node is gone; there is no kubelet that would end them."""
    known = {name(one) for one in nodes}
    gone = [pod for pod in pods if (node_name := (pod.get("spec") or {}).get("nodeName")) and node_name not in known]
    return [Delete(PODS, pod, grace_seconds=0) for pod in gone]
