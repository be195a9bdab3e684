"""What makes up the resolver of one workspace on a pcluster, and whether it is still so (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import DNS_LABEL, TENANT_LABEL, WORKSPACE_LABEL
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

_RBAC: Final = "rbac.authorization.k8s.io"
SERVICE_ACCOUNTS: Final = GroupVersionResource("", "v1", "serviceaccounts")
CONFIG_MAPS: Final = GroupVersionResource("", "v1", "configmaps")
ROLES: Final = GroupVersionResource(_RBAC, "v1", "roles")
ROLE_BINDINGS: Final = GroupVersionResource(_RBAC, "v1", "rolebindings")
NETWORK_POLICIES: Final = GroupVersionResource("networking.k8s.io", "v1", "networkpolicies")
SERVICES: Final = GroupVersionResource("", "v1", "services")
DEPLOYMENTS: Final = GroupVersionResource("apps", "v1", "deployments")
RESOURCES: Final = (
    SERVICE_ACCOUNTS, CONFIG_MAPS, ROLES, ROLE_BINDINGS, NETWORK_POLICIES, SERVICES, DEPLOYMENTS,
)  # fmt: skip
"""In the order in which they are made: what a pod needs is there before it."""

DNS_PORT: Final = 53
SERVER_PORT: Final = 5353
HEALTH_PORT: Final = 8090
_UNKNOWN_API_PORTS: Final = (443, 6443)
_NODE_LOCAL_DNS: Final = "169.254.20.10/32"
"""Where Kubernetes' cache for DNS listens on each node, in the host's network, which no selector finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverPlan:
    """Everything that the objects depend on. ``namespaces`` are upstream to downstream names.

    ``api_servers`` are addresses and ports behind the Service `kubernetes`; without any only the port is restricted.
    """

    name: str
    namespace: str
    cluster: str
    key: str
    tenant: str
    image: str
    domain: str
    namespaces: Mapping[str, str]
    api_servers: Sequence[tuple[str, int]] = ()


def desired(plan: ResolverPlan) -> list[tuple[GroupVersionResource, Object]]:
    """The objects with their resources, in order."""
    bodies: dict[GroupVersionResource, Object] = {
        SERVICE_ACCOUNTS: _object(plan, "v1", "ServiceAccount"),
        CONFIG_MAPS: {**_object(plan, "v1", "ConfigMap"), "data": dict(plan.namespaces)},
        ROLES: {**_object(plan, f"{_RBAC}/v1", "Role"), "rules": [role_rule(plan.name)]},
        ROLE_BINDINGS: {
            **_object(plan, f"{_RBAC}/v1", "RoleBinding"),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": plan.name},
            "subjects": [{"kind": "ServiceAccount", "name": plan.name, "namespace": plan.namespace}],
        },
        NETWORK_POLICIES: {**_object(plan, "networking.k8s.io/v1", "NetworkPolicy"), "spec": _policy(plan)},
        SERVICES: {**_object(plan, "v1", "Service"), "spec": _service(plan)},
        DEPLOYMENTS: {**_object(plan, "apps/v1", "Deployment"), "spec": _deployment(plan)},
    }
    return [(gvr, bodies[gvr]) for gvr in RESOURCES]


def role_rule(config_map: str) -> Object:
    """All that a resolver may do: follow its own ConfigMap."""
    return {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": [config_map],
        "verbs": ["get", "list", "watch"],
    }


def _object(plan: ResolverPlan, api_version: str, kind: str) -> Object:
    marks = {"app": plan.name, DNS_LABEL: plan.key, WORKSPACE_LABEL: plan.cluster}
    meta = {"name": plan.name, "namespace": plan.namespace, "labels": marks}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta}


def _policy(plan: ResolverPlan) -> Object:
    """Queries from the tenant's namespaces; out to the pcluster's DNS and to its API server."""
    kube_dns = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}},
        {"ipBlock": {"cidr": _NODE_LOCAL_DNS}},
    ]
    api: list[Object] = [
        {"to": [{"ipBlock": {"cidr": f"{ip}/{128 if ':' in ip else 32}"}}], "ports": [_port("TCP", port)]}
        for ip, port in sorted(plan.api_servers)
    ] or [{"ports": [_port("TCP", port) for port in _UNKNOWN_API_PORTS]}]
    return {
        "podSelector": {"matchLabels": {"app": plan.name}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": {TENANT_LABEL: plan.tenant}}}],
                "ports": [_port("UDP", SERVER_PORT), _port("TCP", SERVER_PORT)],
            }
        ],
        "egress": [{"to": kube_dns, "ports": [_port("UDP", DNS_PORT), _port("TCP", DNS_PORT)]}, *api],
    }


def _port(protocol: str, port: int) -> Object:
    return {"protocol": protocol, "port": port}


def _service(plan: ResolverPlan) -> Object:
    ports = [
        {"name": f"dns-{protocol.lower()}", "protocol": protocol, "port": DNS_PORT, "targetPort": SERVER_PORT}
        for protocol in ("UDP", "TCP")
    ]
    return {"type": "ClusterIP", "selector": {"app": plan.name}, "ports": ports}


def _deployment(plan: ResolverPlan) -> Object:
    container = {
        "name": "kcp-dns",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["headwater", "syncer", "dns"],
        "args": [
            f"--configmap={plan.name}",
            "--namespace=$(NAMESPACE)",
            "--address=$(POD_IP)",
            f"--port={SERVER_PORT}",
            f"--cluster-domain={plan.domain}",
            f"--health-address=0.0.0.0:{HEALTH_PORT}",
        ],
        "env": [_field("NAMESPACE", "metadata.namespace"), _field("POD_IP", "status.podIP")],
        "ports": [
            {"name": "dns-udp", "protocol": "UDP", "containerPort": SERVER_PORT},
            {"name": "dns-tcp", "protocol": "TCP", "containerPort": SERVER_PORT},
            {"name": "health", "protocol": "TCP", "containerPort": HEALTH_PORT},
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "health"}, "periodSeconds": 20, "failureThreshold": 6},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }
    pod = {
        "serviceAccountName": plan.name,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": {"app": plan.name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": {"app": plan.name}}, "spec": pod},
    }


def _field(variable: str, path: str) -> Object:
    return {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": path}}}
