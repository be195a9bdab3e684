"""What a pcluster has from its first start: namespaces, roles, a storage class, and its own Service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.apiserver.authz.bootstrap import cluster_role_bindings, cluster_roles
from headwater.client.dynamic import Client
from headwater.machinery.errors import AlreadyExists
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name, namespace
from headwater.sim.resources import SERVICES, SIMULATED_LABEL, STORAGE_CLASSES
from headwater.sim.stages.volumes import STORAGE_CLASS

_NAMESPACES = GroupVersionResource("", "v1", "namespaces")
_CLUSTER_ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
_CLUSTER_ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
_AT_ONCE = 64


async def ensure_all(client: Client) -> None:
    """Create what is missing; what exists is left as it is."""
    names = ("default", "kube-system", "kube-public", "kube-node-lease")
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each}} for each in names]
    await asyncio.gather(
        _ensure(client, _NAMESPACES, spaces),
        _ensure(client, _CLUSTER_ROLES, cluster_roles()),
        _ensure(client, _CLUSTER_ROLE_BINDINGS, cluster_role_bindings()),
        _ensure(client, STORAGE_CLASSES, [_storage_class()]),
    )
    await _ensure(client, SERVICES, [_kubernetes_service()])


async def _ensure(client: Client, gvr: GroupVersionResource, objects: Sequence[Object]) -> None:
    space = namespace(objects[0]) if objects else ""
    resource = client.resource(gvr, space)
    existing = {name(item) for item in (await resource.list_all(metadata_only=True))[0]}
    missing = [obj for obj in objects if name(obj) not in existing]

    async def create(obj: Object) -> None:
        try:
            await resource.create(obj)
        except AlreadyExists:
            return

    for start in range(0, len(missing), _AT_ONCE):
        await asyncio.gather(*map(create, missing[start : start + _AT_ONCE]))


def _storage_class() -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "labels": {SIMULATED_LABEL: "true"},
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "sim.headwater.io",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }


def _kubernetes_service() -> Object:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "ClusterIP", "ports": ports}}
