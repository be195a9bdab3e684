"""The roles and bindings that every Kubernetes API server has from its first start, as API objects.

The composition root creates those that are missing and completes the rules of those that exist, as Kubernetes does
unless their annotation `rbac.authorization.kubernetes.io/autoupdate` says "false".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.apiserver.authz.rolesource import GROUP
from headwater.machinery.objects import Object

AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
DEFAULTS_LABEL: Final = "kubernetes.io/bootstrapping"
AGGREGATE_PREFIX: Final = "rbac.authorization.k8s.io/aggregate-to-"

READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "delete", "deletecollection", "patch", "update")
_WORKLOADS: Final = ("deployments", "replicasets", "statefulsets")


def resource_rule(verbs: Sequence[str], groups: Sequence[str], resources: Sequence[str]) -> Object:
    """A PolicyRule about resources."""
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def url_rule(urls: Sequence[str]) -> Object:
    """A PolicyRule that lets URLs be read."""
    return {"nonResourceURLs": list(urls), "verbs": ["get"]}


def _with_status(*resources: str) -> tuple[str, ...]:
    return tuple(item for name in resources for item in (name, f"{name}/status"))


def _with_scale(*resources: str) -> tuple[str, ...]:
    return tuple(item for name in resources for item in (name, f"{name}/scale"))


_HEALTH_URLS: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY_URLS: Final = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")

_ADMIN_RULES: Final = (
    resource_rule(("create",), ("authorization.k8s.io",), ("localsubjectaccessreviews",)),
    resource_rule((*READ, *WRITE), (GROUP,), ("rolebindings", "roles")),
)
_EDIT_RULES: Final = (
    resource_rule(
        READ, ("",), ("pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy")
    ),
    resource_rule(("impersonate",), ("",), ("serviceaccounts",)),
    resource_rule(WRITE, ("",), ("pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy")),
    resource_rule(("create",), ("",), ("pods/eviction",)),
    resource_rule(
        WRITE,
        ("",),
        (
            "configmaps", "events", "persistentvolumeclaims", *_with_scale("replicationcontrollers"), "secrets",
            "serviceaccounts", "services", "services/proxy",
        ),
    ),
    resource_rule(("create",), ("",), ("serviceaccounts/token",)),
    resource_rule(WRITE, ("apps",), ("daemonsets", "deployments/rollback", *_with_scale(*_WORKLOADS))),
    resource_rule(WRITE, ("autoscaling",), ("horizontalpodautoscalers",)),
    resource_rule(WRITE, ("batch",), ("cronjobs", "jobs")),
    resource_rule(WRITE, ("policy",), ("poddisruptionbudgets",)),
    resource_rule(WRITE, ("networking.k8s.io",), ("ingresses", "networkpolicies")),
    resource_rule((*READ, *WRITE), ("coordination.k8s.io",), ("leases",)),
)  # fmt: skip
_VIEW_RULES: Final = (
    resource_rule(
        READ,
        ("",),
        (
            "configmaps", "endpoints", *_with_status("persistentvolumeclaims", "pods"),
            *_with_scale("replicationcontrollers"), "serviceaccounts", *_with_status("services"),
        ),
    ),
    resource_rule(
        READ,
        ("",),
        (
            "bindings", "events", "limitranges", "namespaces/status", "pods/log", "replicationcontrollers/status",
            *_with_status("resourcequotas"),
        ),
    ),
    resource_rule(READ, ("",), ("namespaces",)),
    resource_rule(READ, ("discovery.k8s.io",), ("endpointslices",)),
    resource_rule(
        READ,
        ("apps",),
        ("controllerrevisions", *_with_status("daemonsets", *_WORKLOADS), *(f"{w}/scale" for w in _WORKLOADS)),
    ),
    resource_rule(READ, ("autoscaling",), _with_status("horizontalpodautoscalers")),
    resource_rule(READ, ("batch",), _with_status("cronjobs", "jobs")),
    resource_rule(READ, ("policy",), _with_status("poddisruptionbudgets")),
    resource_rule(READ, ("networking.k8s.io",), (*_with_status("ingresses"), "networkpolicies")),
)  # fmt: skip


def cluster_role(
    name: str, rules: Sequence[Object], *, labels: dict[str, str] | None = None, aggregated: str = ""
) -> Object:
    """A ClusterRole object; `aggregated` names the label suffix of the roles that it is put together from."""
    role: Object = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(name, labels),
        "rules": [dict(rule) for rule in rules],
    }
    if aggregated:
        selector = {"matchLabels": {AGGREGATE_PREFIX + aggregated: "true"}}
        role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return role


def cluster_role_binding(name: str, role: str, groups: Sequence[str]) -> Object:
    """A ClusterRoleBinding object that binds a ClusterRole to groups."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name, None),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
    }


def _metadata(name: str, labels: dict[str, str] | None) -> Object:
    return {
        "name": name,
        "labels": {DEFAULTS_LABEL: "rbac-defaults", **(labels or {})},
        "annotations": {AUTOUPDATE: "true"},
    }


def cluster_roles() -> list[Object]:
    """The default ClusterRoles. The aggregated ones come with the rules that aggregation would give them."""
    everything = (resource_rule(("*",), ("*",), ("*",)), {"nonResourceURLs": ["*"], "verbs": ["*"]})
    basic = (
        resource_rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
        resource_rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    )
    delegator = (
        resource_rule(("create",), ("authentication.k8s.io",), ("tokenreviews",)),
        resource_rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",)),
    )
    issuer_urls = ("/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks",
                   "/openid/v1/jwks/")  # fmt: skip
    to = AGGREGATE_PREFIX
    return [
        cluster_role("cluster-admin", everything),
        cluster_role("admin", (*_ADMIN_RULES, *_EDIT_RULES, *_VIEW_RULES), aggregated="admin"),
        cluster_role("edit", (*_EDIT_RULES, *_VIEW_RULES), labels={to + "admin": "true"}, aggregated="edit"),
        cluster_role("view", _VIEW_RULES, labels={to + "edit": "true"}, aggregated="view"),
        cluster_role("system:aggregate-to-admin", _ADMIN_RULES, labels={to + "admin": "true"}),
        cluster_role("system:aggregate-to-edit", _EDIT_RULES, labels={to + "edit": "true"}),
        cluster_role("system:aggregate-to-view", _VIEW_RULES, labels={to + "view": "true"}),
        cluster_role("system:auth-delegator", delegator),
        cluster_role("system:basic-user", basic),
        cluster_role("system:discovery", (url_rule((*_HEALTH_URLS, *_DISCOVERY_URLS)),)),
        cluster_role("system:monitoring", (url_rule(
            ("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*")
        ),)),
        cluster_role("system:public-info-viewer", (url_rule(_HEALTH_URLS),)),
        cluster_role("system:service-account-issuer-discovery", (url_rule(issuer_urls),)),
    ]  # fmt: skip


def cluster_role_bindings() -> list[Object]:
    """The default ClusterRoleBindings."""
    everyone = ("system:authenticated", "system:unauthenticated")
    return [
        cluster_role_binding("cluster-admin", "cluster-admin", ("system:masters",)),
        cluster_role_binding("system:basic-user", "system:basic-user", ("system:authenticated",)),
        cluster_role_binding("system:discovery", "system:discovery", ("system:authenticated",)),
        cluster_role_binding("system:monitoring", "system:monitoring", ("system:monitoring",)),
        cluster_role_binding("system:public-info-viewer", "system:public-info-viewer", everyone),
        cluster_role_binding(
            "system:service-account-issuer-discovery", "system:service-account-issuer-discovery",
            ("system:serviceaccounts",),
        ),
    ]  # fmt: skip
