"""The objects that make up a syncer: in its workspace, and on its pcluster (pure).

Upstream the syncer may use its own SyncTarget and nothing else, either as an identity of its own, which is bound to the
SyncTarget's UID, or as a service account of the workspace. Downstream it gets rights on what it syncs and on
namespaces, may look at nodes to report capacity and at what comes up, and gets nothing that it does not need.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.apis.sync.v1alpha1.identity import identity_of_target
from headwater.apis.sync.v1alpha1.synctarget import GROUP
from headwater.base import yamlio
from headwater.cli.synctarget.ownspace import credentials_objects, lease_objects, resolver_objects
from headwater.cli.tenantflags import NOTHING_FOR_TENANTS, TenantFlags
from headwater.machinery.objects import Object
from headwater.syncer.target.needs import needed_rules

_HEALTH_PORT = 8090
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncerPlan:
    """Everything that the manifests depend on. `resources` are (group, resource) pairs to sync.

    `token` is what the syncer starts with; with `keeps_credentials` that is a bootstrap token, and the syncer keeps
    the credential that it gets for it in a Secret of its own. Without `tunnel` nobody reaches pods through the control
    plane, and the syncer gets no right to. `tenants` is what they get besides their objects.
    """

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
    tunnel: bool = True
    keeps_credentials: bool = False
    tenants: TenantFlags = NOTHING_FOR_TENANTS

    @property
    def credentials_secret(self) -> str:
        """Name of the Secret that the syncer keeps its credential in."""
        return f"{self.syncer_id}-credentials"


def identity_objects(syncer_id: str, sync_target: Object, *, tunnel: bool = True) -> list[Object]:
    """Role of a syncer in the SyncTarget's workspace, bound to the syncer's own identity; owned by the SyncTarget.

    The identity has the SyncTarget's UID in it: one that is created anew under the same name gives the old syncer
    nothing.
    """
    named = _owned(syncer_id, sync_target)
    user = identity_of_target(sync_target).user_name
    binding = _cluster_role_binding(named, syncer_id, "")
    binding["subjects"] = [{"kind": "User", "apiGroup": _RBAC, "name": user}]
    return [_upstream_role(named, sync_target, tunnel=tunnel), binding]


def upstream_objects(syncer_id: str, sync_target: Object, namespace: str, *, tunnel: bool = True) -> list[Object]:
    """Service account, role, binding and token of a syncer in the SyncTarget's workspace, owned by the SyncTarget."""
    named = _owned(syncer_id, sync_target)
    token_notes = {"kubernetes.io/service-account.name": syncer_id}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**named, "namespace": namespace}},
        _upstream_role(named, sync_target, tunnel=tunnel),
        _cluster_role_binding(named, syncer_id, namespace),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {**named, "name": f"{syncer_id}-token", "namespace": namespace, "annotations": token_notes},
        },
    ]


def _owned(syncer_id: str, sync_target: Object) -> Object:
    """Metadata of an object that goes with the SyncTarget."""
    meta = sync_target["metadata"]
    owner = {
        "apiVersion": sync_target["apiVersion"],
        "kind": sync_target["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
    }
    return {"name": syncer_id, "ownerReferences": [owner]}


def _upstream_role(named: Object, sync_target: Object, *, tunnel: bool) -> Object:
    only_this = {"apiGroups": [GROUP], "resourceNames": [sync_target["metadata"]["name"]]}
    rules = [
        {**only_this, "resources": ["synctargets"], "verbs": ["sync", "get", "list", "watch"]},
        {**only_this, "resources": ["synctargets/status"], "verbs": ["get", "patch", "update"]},
        *([{**only_this, "resources": ["synctargets/tunnel"], "verbs": ["get"]}] if tunnel else []),
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
    ]
    return {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": named, "rules": rules}


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
            "rules": needed_rules(plan.resources, tunnel=plan.tunnel, isolate_tenants=plan.tenants.isolate_tenants),
        },
        _cluster_role_binding(named, plan.syncer_id, plan.namespace),
        *lease_objects(plan.syncer_id, plan.namespace),
        # Also for taking resolvers away.
        *(resolver_objects(plan.syncer_id, plan.namespace) if plan.tenants.dns_image is not None else ()),
        *(
            credentials_objects(plan.syncer_id, plan.namespace, plan.credentials_secret)
            if plan.keeps_credentials
            else ()
        ),
        kubeconfig_secret(plan),
        _deployment(plan, spaced),
    ]


def kubeconfig_secret(plan: SyncerPlan) -> Object:
    """The Secret with the syncer's kubeconfig, which is all that a new token changes."""
    kubeconfig = base64.b64encode(yamlio.dump(syncer_kubeconfig(plan)).encode()).decode()
    meta = {"name": plan.syncer_id, "namespace": plan.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"kubeconfig": kubeconfig}}


def role_lets_tunnel(upstream_role: Object) -> bool:
    """Whether a syncer, by its role in the workspace, was registered with access to pods."""
    return any("synctargets/tunnel" in (rule.get("resources") or ()) for rule in upstream_role.get("rules") or ())


def renewed_objects(plan: SyncerPlan, *, only_role: bool) -> list[Object]:
    """What to apply to a pcluster whose syncer is there already: everything without credentials, or its role alone."""
    kept = [obj for obj in downstream_objects(plan) if obj["kind"] != "Secret"]
    return [obj for obj in kept if obj["kind"] == "ClusterRole"] if only_role else kept


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
            "--tunnel" if plan.tunnel else "--no-tunnel",
            *([f"--credentials-secret={plan.credentials_secret}"] if plan.keeps_credentials else []),
            *plan.tenants.arguments(),
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
