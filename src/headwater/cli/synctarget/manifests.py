"""The objects that make up a syncer: in its workspace, and on its pcluster (pure).

Upstream the syncer may use its own SyncTarget and nothing else. Downstream it gets rights on what it syncs and on
namespaces, may look at nodes and pods to report capacity, and gets nothing that it does not need.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headwater.apis.sync.v1alpha1.synctarget import GROUP
from headwater.base import yamlio
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object
from headwater.syncer.target.choose import NEVER_SYNCED

_SYNC_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
_HEALTH_PORT = 8090
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncerPlan:
    """Everything that the manifests depend on. `resources` are (group, resource) pairs to sync."""

    syncer_id: str
    sync_target_name: str
    sync_target_uid: str
    cluster: str
    upstream_url: str
    ca_data: bytes
    token: str = field(repr=False)
    namespace: str
    image: str
    replicas: int
    resources: tuple[tuple[str, str], ...]


def upstream_objects(syncer_id: str, sync_target: Object, namespace: str) -> list[Object]:
    """Service account, role, binding and token of a syncer in the SyncTarget's workspace, owned by the SyncTarget."""
    meta = sync_target["metadata"]
    owner = {
        "apiVersion": sync_target["apiVersion"],
        "kind": sync_target["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
    }
    named = {"name": syncer_id, "ownerReferences": [owner]}
    only_this = {"apiGroups": [GROUP], "resourceNames": [meta["name"]]}
    rules = [
        {**only_this, "resources": ["synctargets"], "verbs": ["sync", "get", "list", "watch"]},
        {**only_this, "resources": ["synctargets/status"], "verbs": ["get", "patch", "update"]},
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
    ]
    token_notes = {"kubernetes.io/service-account.name": syncer_id}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**named, "namespace": namespace}},
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": named, "rules": rules},
        _cluster_role_binding(named, syncer_id, namespace),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {**named, "name": f"{syncer_id}-token", "namespace": namespace, "annotations": token_notes},
        },
    ]


def syncer_kubeconfig(plan: SyncerPlan) -> Object:
    """The kubeconfig with which the syncer reaches the control plane."""
    cluster: Object = {"server": plan.upstream_url}
    if plan.ca_data:
        cluster["certificate-authority-data"] = base64.b64encode(plan.ca_data).decode()
    context = {"cluster": "default-cluster", "user": "default-user", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": cluster}],
        "contexts": [{"name": "default-context", "context": context}],
        "users": [{"name": "default-user", "user": {"token": plan.token}}],
        "current-context": "default-context",
    }


def downstream_objects(plan: SyncerPlan) -> list[Object]:
    """What to apply to the pcluster, in order."""
    named = {"name": plan.syncer_id}
    spaced = {**named, "namespace": plan.namespace}
    kubeconfig = base64.b64encode(yamlio.dump(syncer_kubeconfig(plan)).encode()).decode()
    token_notes = {"kubernetes.io/service-account.name": plan.syncer_id}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": plan.namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": spaced},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {**spaced, "name": f"{plan.syncer_id}-token", "annotations": token_notes},
        },
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": named,
            "rules": downstream_rules(plan.resources),
        },
        _cluster_role_binding(named, plan.syncer_id, plan.namespace),
        *_lease_rights(plan, spaced),
        {"apiVersion": "v1", "kind": "Secret", "metadata": spaced, "data": {"kubeconfig": kubeconfig}},
        _deployment(plan, spaced),
    ]


def _lease_rights(plan: SyncerPlan, meta: Mapping[str, object]) -> list[Object]:
    """Role and binding for the Lease by which one of several replicas leads; a name can't bind `create`."""
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    rules = [
        {**leases, "verbs": ["create"]},
        {**leases, "verbs": ["get", "update"], "resourceNames": [plan.syncer_id]},
    ]
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": dict(meta), "rules": rules},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": dict(meta),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": plan.syncer_id},
            "subjects": [{"kind": "ServiceAccount", "name": plan.syncer_id, "namespace": plan.namespace}],
        },
    ]


def downstream_rules(resources: Iterable[tuple[str, str]]) -> list[Object]:
    """Rules of the syncer's role on the pcluster: capacity, namespaces, and the synced resources by API group."""
    by_group: dict[str, set[str]] = {"": {"configmaps", "secrets"}}
    for group, resource in resources:
        if GroupResource(group, resource) not in NEVER_SYNCED:
            by_group.setdefault(group, set()).add(resource)
    rules: list[Object] = [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": _SYNC_VERBS},
    ]
    rules += [
        {"apiGroups": [group], "resources": sorted(names), "verbs": _SYNC_VERBS}
        for group, names in sorted(by_group.items())
    ]
    return rules


def _cluster_role_binding(meta: Mapping[str, object], syncer_id: str, namespace: str) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": syncer_id},
        "subjects": [{"kind": "ServiceAccount", "name": syncer_id, "namespace": namespace}],
    }


def _deployment(plan: SyncerPlan, meta: Mapping[str, object]) -> Object:
    labels = {"app": plan.syncer_id}
    container = {
        "name": "syncer",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["headwater", "syncer"],
        "args": [
            "--from-kubeconfig=/kcp/kubeconfig",
            f"--from-cluster={plan.cluster}",
            f"--sync-target-name={plan.sync_target_name}",
            f"--sync-target-uid={plan.sync_target_uid}",
            "--lease-namespace=$(NAMESPACE)",
            f"--health-address=0.0.0.0:{_HEALTH_PORT}",
        ],
        "env": [{"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "ports": [{"name": "health", "containerPort": _HEALTH_PORT}],
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "health"}, "periodSeconds": 20, "failureThreshold": 6},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}, "periodSeconds": 10},
        "volumeMounts": [{"name": "kcp-config", "mountPath": "/kcp/", "readOnly": True}],
        "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
    }
    pod = {
        "serviceAccountName": plan.syncer_id,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "kcp-config", "secret": {"secretName": plan.syncer_id, "optional": False}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": dict(meta),
        "spec": {
            "replicas": plan.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
