"""Short builders for RBAC objects, and the roles and bindings that a control plane starts with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.apis.v1alpha2.apiexport import SUBJECT_PREFIX
from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apis.tenancy.v1alpha1.workspace import GROUP as TENANCY_GROUP
from headwater.apiserver.authn.interface import ALL_AUTHENTICATED
from headwater.controlplane.clusters.administrators import KCP_ADMIN_GROUP

Object = dict[str, Any]

RBAC_GROUP = "rbac.authorization.k8s.io"
ACCESS_ROLE = "system:kcp:workspace:access"
READ = ("get", "list", "watch")
ALL = ("*",)


def rule(
    resources: Sequence[str],
    verbs: Sequence[str],
    *,
    group: str = "",
    names: Sequence[str] = (),
    urls: Sequence[str] = (),
) -> Object:
    """A policy rule: on resources of a group, or on URLs."""
    if urls:
        return {"nonResourceURLs": list(urls), "verbs": list(verbs)}
    out: Object = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    if names:
        out["resourceNames"] = list(names)
    return out


def cluster_role(name: str, *rules: Object) -> Object:
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def cluster_role_binding(name: str, role: str, *, groups: Sequence[str] = (), users: Sequence[str] = ()) -> Object:
    subjects = [{"apiGroup": RBAC_GROUP, "kind": "Group", "name": group} for group in groups]
    subjects += [{"apiGroup": RBAC_GROUP, "kind": "User", "name": user} for user in users]
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }


def granted(name: str, group: str, *rules: Object) -> list[Object]:
    """A role and a binding of the same name that grants it to one group."""
    return [cluster_role(name, *rules), cluster_role_binding(name, name, groups=[group])]


def consumers(group: str) -> str:
    """How a group of consumers is called in the maximal permission policy of an export."""
    return SUBJECT_PREFIX + group


def admin_cluster_objects() -> list[Object]:
    """kcp's roles in ``system:admin``, which hold in every logical cluster."""
    return [
        cluster_role_binding("system:kcp:admin:cluster-admin", "cluster-admin", groups=[KCP_ADMIN_GROUP]),
        cluster_role(
            "system:kcp:tenancy:reader",
            rule(["workspaces"], READ, group=TENANCY_GROUP),
            rule(["workspacetypes"], READ, group=TENANCY_GROUP),
            rule(["logicalclusters"], READ, group=CORE_GROUP),
        ),
        cluster_role(ACCESS_ROLE, rule([], ["access"], urls=["/"])),
        cluster_role("system:kcp:metrics-reader", rule([], ["get"], urls=["/metrics"])),
    ]


def root_cluster_objects(*, bindable: Sequence[str], usable_types: Sequence[str]) -> list[Object]:
    """Rights in ``root``: everyone may enter, read workspaces, use the standard types and bind the standard exports."""
    policy = "system:kcp:authenticated:apiexport:tenancy:maximal-permission-policy"
    admin_policy = "system:kcp:authenticated:apiexport:kcp-admin:maximal-permission-policy"
    use, bind = "system:kcp:authenticated:universal-workspacetype-use", "system:kcp:authenticated:apiexport:bind"
    return [
        cluster_role_binding("system:kcp:tenancy:authenticated:access", ACCESS_ROLE, groups=[ALL_AUTHENTICATED]),
        cluster_role_binding(
            "system:kcp:authenticated:tenancy:reader", "system:kcp:tenancy:reader", groups=[ALL_AUTHENTICATED]
        ),
        *granted(use, ALL_AUTHENTICATED, rule(["workspacetypes"], ["use"], group=TENANCY_GROUP, names=usable_types)),
        *granted(bind, ALL_AUTHENTICATED, rule(["apiexports"], ["bind"], group=APIS_GROUP, names=bindable)),
        *granted(
            policy,
            consumers(ALL_AUTHENTICATED),
            rule(["workspaces", "workspacetypes"], ALL, group=TENANCY_GROUP),
            rule(["workspaces/status", "workspacetypes/status"], READ, group=TENANCY_GROUP),
        ),
        *granted(admin_policy, consumers(KCP_ADMIN_GROUP), rule(["*"], ALL, group="*")),
    ]
