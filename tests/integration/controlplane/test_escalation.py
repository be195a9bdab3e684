"""In a workspace, too, nobody can grant what they don't have."""

from __future__ import annotations

import pytest
from tests.integration.controlplane.plane import BOB, CLUSTER_ROLE_BINDINGS, Plane, allow

from headwater.machinery.errors import Forbidden
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

GROUP = "rbac.authorization.k8s.io"
ROLE_BINDINGS = GroupVersionResource(GROUP, "v1", "rolebindings")


def role_binding(name: str, role: str, user: str) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
    }


async def test_a_namespace_admin_stays_one(plane: Plane) -> None:
    """The roles come from system:admin, where the check has to look as well as in the workspace."""
    cluster = await plane.create_workspace("team", type_="universal")
    await plane.cluster(cluster).resource(CLUSTER_ROLE_BINDINGS).create(allow(BOB, "system:kcp:workspace:access"))
    await plane.cluster(cluster).resource(ROLE_BINDINGS, "default").create(role_binding("bob", "admin", "bob"))
    bindings = plane.as_user(BOB, cluster).resource(ROLE_BINDINGS, "default")
    await bindings.create(role_binding("helper", "edit", "carol"))
    with pytest.raises(Forbidden, match="attempting to grant RBAC permissions not currently held"):
        await bindings.create(role_binding("takeover", "cluster-admin", "bob"))
