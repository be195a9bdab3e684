"""Who may enter a logical cluster, and what the whole chain answers."""

from __future__ import annotations

import pytest
from tests.unit.controlplane.stores import Store

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.authz.rolesource import CacheRoleSource
from headwater.controlplane.authorization.access import has_required_groups
from headwater.controlplane.authorization.authorizer import ControlPlaneAuthorizer
from headwater.controlplane.authorization.roles import ClusterRBAC
from headwater.controlplane.binding.bound import BoundResource
from headwater.controlplane.bootstrap.rbac import cluster_role, cluster_role_binding, rule

RBAC = "rbac.authorization.k8s.io"
ALICE = UserInfo("alice", groups=("system:authenticated",))
BOB = UserInfo("bob", groups=("system:authenticated",))
MASTER = UserInfo("m", groups=("system:masters",))
ADMIN = UserInfo("kcp-admin", groups=("system:kcp:admin", "system:authenticated"))
ACCESS = cluster_role("access", rule([], ["access"], urls=["/"]))
BOUND = BoundResource("example.io", "widgets", "provider", "export", "s", "u", "i")


async def authorizer_of(store: Store) -> ControlPlaneAuthorizer:
    await store.logical_cluster("ws", "root:ws")
    await store.logical_cluster("new", "root:new", phase="Scheduling")
    await store.logical_cluster("closed", "root:closed", **{"authorization.kcp.io__required-groups": "a,b;c"})
    everything = rule(["*"], ["*"], group="*")
    await store.put(RBAC, "clusterroles", "system:admin", cluster_role("all", everything, rule([], ["*"], urls=["*"])))
    await store.put(
        RBAC, "clusterrolebindings", "system:admin", cluster_role_binding("adm", "all", groups=["system:kcp:admin"])
    )
    for cluster in ("ws", "new", "closed"):
        await store.put(RBAC, "clusterroles", cluster, ACCESS)
        await store.put(RBAC, "clusterrolebindings", cluster, cluster_role_binding("a", "access", users=["alice"]))
        await store.put(RBAC, "clusterrolebindings", cluster, cluster_role_binding("b", "all", users=["alice"]))
    roles = CacheRoleSource(store.caches)
    await roles.open()

    def bound(cluster: str, group: str, resource: str) -> BoundResource | None:
        return BOUND if (cluster, group, resource) == ("ws", "example.io", "widgets") else None

    return ControlPlaneAuthorizer(store.state, ClusterRBAC(roles), bound)


def of(user: UserInfo, cluster: str, verb: str = "get", resource: str = "configmaps", **rest: str) -> Attributes:
    return Attributes(user, verb, cluster, resource=resource, version="v1", **rest)


@pytest.mark.parametrize(
    ("attributes", "decision", "reason"),
    [
        (of(ALICE, "ws"), Decision.ALLOW, ""),
        (of(BOB, "ws"), Decision.DENY, "workspace access not permitted"),
        (of(ADMIN, "ws"), Decision.ALLOW, ""),
        (of(MASTER, "nowhere"), Decision.ALLOW, ""),
        (of(ADMIN, "nowhere"), Decision.DENY, "LogicalCluster not found"),
        (of(ALICE, "new"), Decision.DENY, 'not permitted due to phase "Scheduling"'),
        (of(ALICE, "closed"), Decision.DENY, "workspace access not permitted"),
        (of(BOB, "new"), Decision.DENY, "workspace access not permitted"),
        (of(ALICE, "nowhere"), Decision.DENY, "workspace access not permitted"),
        (of(ALICE, "system:admin"), Decision.DENY, "workspace access not permitted"),
        (Attributes(BOB, "get", path="/readyz", is_resource=False), Decision.ALLOW, ""),
        (Attributes(BOB, "get", "ws", path="/livez/ping", is_resource=False), Decision.ALLOW, ""),
        (Attributes(BOB, "get", path="/services/syncer/x", is_resource=False), Decision.ALLOW, "virtual"),
        (Attributes(BOB, "get", path="/metrics", is_resource=False), Decision.NO_OPINION, ""),
        (Attributes(ADMIN, "get", path="/metrics", is_resource=False), Decision.ALLOW, ""),
        (of(BOB, ""), Decision.NO_OPINION, ""),
        (of(ALICE, "ws", "update", "apibindings", group="apis.kcp.io", subresource="status"), Decision.DENY, "system"),
        (of(ALICE, "ws", "get", "apibindings", group="apis.kcp.io", subresource="status"), Decision.ALLOW, ""),
    ],
    ids=lambda value: "" if isinstance(value, Attributes | Decision) else value,
)
async def test_chain(store: Store, attributes: Attributes, decision: Decision, reason: str) -> None:
    """Each link of the chain answers what kcp's answers."""
    answered, why = await (await authorizer_of(store)).authorize(attributes)
    assert answered is decision
    assert reason in why


async def test_the_exporter_limits_its_consumers(store: Store) -> None:
    """With a policy a consumer needs a right in the provider's cluster too; without one, or without the export, not."""
    authorizer = await authorizer_of(store)
    question = of(ALICE, "ws", "create", "widgets", group="example.io")
    assert (await authorizer.authorize(question))[0] is Decision.ALLOW
    export = {"metadata": {"name": "export"}, "spec": {"maximalPermissionPolicy": {"local": {}}}}
    await store.put("apis.kcp.io", "apiexports", "provider", export)
    assert (await authorizer.authorize(question))[0] is Decision.DENY
    await store.put(
        RBAC, "clusterroles", "provider", cluster_role("w", rule(["widgets"], ["create"], group="example.io"))
    )
    binding = cluster_role_binding("w", "w", groups=["apis.kcp.io:binding:system:authenticated"])
    await store.put(RBAC, "clusterrolebindings", "provider", binding)
    assert (await authorizer.authorize(question))[0] is Decision.ALLOW
    assert (await authorizer.authorize(question._replace(verb="delete")))[0] is Decision.DENY


async def test_deep_checks_need_no_access(store: Store) -> None:
    """Rights in another logical cluster count although the user may not enter it."""
    authorizer = await authorizer_of(store)
    await store.put(
        RBAC, "clusterroles", "ws", cluster_role("bind", rule(["apiexports"], ["bind"], group="apis.kcp.io"))
    )
    await store.put(RBAC, "clusterrolebindings", "ws", cluster_role_binding("bind", "bind", users=["bob"]))
    question = of(BOB, "ws", "bind", "apiexports", group="apis.kcp.io", name="e")
    assert await authorizer.allowed(question)
    assert (await authorizer.authorize(question))[0] is not Decision.ALLOW
    assert not await authorizer.allowed(question._replace(verb="delete"))


async def test_rules_join_both_clusters(store: Store) -> None:
    """A rules review lists what holds everywhere and what holds here."""
    authorizer = await authorizer_of(store)
    rules, problems = authorizer.rules_for(ALICE, "ws", "")
    assert any("access" in each.verbs for each in rules) and not problems
    everywhere, _ = authorizer.rules_for(ADMIN, "system:admin", "")
    assert any("*" in each.verbs for each in everywhere)


@pytest.mark.parametrize(
    ("required", "groups", "enough"),
    [("", (), True), ("a", ("a",), True), ("a,b", ("a",), False), ("a,b;c", ("c",), True), ("a,b;c", ("a", "b"), True)],
)
def test_required_groups(required: str, groups: tuple[str, ...], enough: bool) -> None:
    assert has_required_groups(required, UserInfo("u", groups=groups)) is enough
