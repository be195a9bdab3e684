"""What a syncer may do in its own namespace on the pcluster: lead by a Lease, keep its credential, and run resolvers.

All of it is pure.
"""

from __future__ import annotations

from headwater.machinery.objects import Object

_RBAC = "rbac.authorization.k8s.io"


def lease_objects(syncer_id: str, namespace: str) -> list[Object]:
    """Role and binding for the Lease by which one of several replicas leads; a name can't bind `create`."""
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    rules = [
        {**leases, "verbs": ["create"]},
        {**leases, "verbs": ["get", "update"], "resourceNames": [syncer_id]},
    ]
    return _role(syncer_id, namespace, syncer_id, rules)


def credentials_objects(syncer_id: str, namespace: str, secret: str) -> list[Object]:
    """An empty Secret for the credential, and the right to read and write this one.

    Without data of its own here, applying the manifests again leaves the credential alone.
    """
    only_this = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret]}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": namespace}},
        *_role(syncer_id, namespace, secret, [{**only_this, "verbs": ["get", "patch", "update"]}]),
    ]


def resolver_objects(syncer_id: str, namespace: str) -> list[Object]:
    """Role and binding for what resolvers are made of, each of which reads its ConfigMap and has no other right."""
    verbs = ["create", "delete", "get", "list", "update", "watch"]
    by_group = (
        ("", ["configmaps", "serviceaccounts", "services"]),
        ("apps", ["deployments"]),
        ("networking.k8s.io", ["networkpolicies"]),
        (_RBAC, ["rolebindings", "roles"]),
    )
    rules = [{"apiGroups": [group], "resources": names, "verbs": verbs} for group, names in by_group]
    return _role(syncer_id, namespace, syncer_id.replace("syncer", "dns", 1), rules)


def _role(syncer_id: str, namespace: str, name: str, rules: list[Object]) -> list[Object]:
    """A Role, and its binding to the syncer's account."""
    meta = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": dict(meta), "rules": rules},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": dict(meta),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": syncer_id, "namespace": namespace}],
        },
    ]
