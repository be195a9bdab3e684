"""Roles and bindings decide, each logical cluster by its own, and a change counts at once."""

from __future__ import annotations

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz import bootstrap
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.authz.rbac import RBACAuthorizer
from headwater.apiserver.authz.rolesource import CacheRoleSource
from headwater.apiserver.authz.union import AlwaysAllowGroups, AlwaysAllowPaths, UnionAuthorizer
from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheSet

from .conftest import Roles, group, rule, user

BOB = UserInfo("bob", groups=("dev", "system:authenticated"))


def question(
    verb: str = "get", resource: str = "pods", namespace: str = "", *, cluster: str = "a", who: UserInfo = BOB,
    name: str = "", api_group: str = "", subresource: str = "",
) -> Attributes:  # fmt: skip
    return Attributes(who, verb, cluster, api_group, "v1", resource, subresource, namespace, name)


def allowed(roles: Roles, asked: Attributes) -> bool:
    return roles.rbac.decide(asked)[0] is Decision.ALLOW


async def test_a_binding_allows_and_says_why(roles: Roles) -> None:
    await roles.role("reader", rule("get list", "pods"))
    await roles.bind("reader", user("bob"))
    assert await roles.rbac.authorize(question()) == (
        Decision.ALLOW,
        'RBAC: allowed by ClusterRoleBinding "bind-reader" of ClusterRole "reader" to User "bob"',
    )
    # The answer is remembered, also for another object; the verb is another question.
    assert allowed(roles, question(name="x", namespace="ns"))
    assert allowed(roles, question(name="y", namespace="ns"))
    assert await roles.rbac.authorize(question("delete")) == (Decision.NO_OPINION, "")
    assert not allowed(roles, question(who=UserInfo("eve")))


async def test_a_role_for_names_is_asked_for_each_name(roles: Roles) -> None:
    await roles.role("one", rule("get", "pods", names="x"))
    await roles.bind("one", group("dev"))
    assert [allowed(roles, question(name=name)) for name in ("x", "y", "", "x")] == [True, False, False, True]


async def test_clusters_and_namespaces_are_apart(roles: Roles) -> None:
    await roles.role("reader", rule("get", "pods"))
    await roles.bind("reader", user("bob"), namespace="ns")
    await roles.role("local", rule("get", "secrets"), namespace="ns")
    await roles.bind("local", user("bob"), namespace="ns", role_kind="Role")
    assert allowed(roles, question(namespace="ns"))
    assert allowed(roles, question(resource="secrets", namespace="ns"))
    assert not allowed(roles, question(namespace="other"))
    assert not allowed(roles, question())
    assert not allowed(roles, question(namespace="ns", cluster="b"))
    assert not allowed(roles, question(namespace="ns", cluster=""))
    assert not allowed(roles, question(namespace="ns", cluster="*"))


async def test_changes_count_at_once(roles: Roles) -> None:
    await roles.role("reader", rule("get", "pods"))
    await roles.bind("reader", user("bob"))
    assert allowed(roles, question())
    await roles.role("reader", rule("list", "pods"))
    assert not allowed(roles, question())
    await roles.role("reader", rule("get", "pods"))
    assert allowed(roles, question())
    await roles.delete("ClusterRoleBinding", "bind-reader")
    assert not allowed(roles, question())


async def test_service_accounts(roles: Roles) -> None:
    robot = UserInfo("system:serviceaccount:ns:robot")
    await roles.role("reader", rule("get", "pods"))
    await roles.bind("reader", {"kind": "ServiceAccount", "name": "robot"}, namespace="ns")
    assert allowed(roles, question(who=robot, namespace="ns"))
    await roles.bind("reader", {"kind": "ServiceAccount", "name": "robot"})
    assert not allowed(roles, question(who=robot))
    await roles.bind("reader", {"kind": "ServiceAccount", "name": "robot", "namespace": "ns"}, {"kind": "Odd"})
    assert allowed(roles, question(who=robot))


@pytest.mark.parametrize(
    ("role_kind", "namespace", "problem"),
    [
        ("ClusterRole", "", 'clusterrole.rbac.authorization.k8s.io "none" not found'),
        ("Role", "ns", 'role.rbac.authorization.k8s.io "none" not found'),
        ("Role", "", 'unsupported role reference kind: "Role"'),
        ("Pod", "ns", 'unsupported role reference kind: "Pod"'),
    ],
)
async def test_a_binding_to_nothing_gives_nothing_but_a_reason(
    roles: Roles, role_kind: str, namespace: str, problem: str
) -> None:
    await roles.bind("none", user("bob"), namespace=namespace, role_kind=role_kind)
    asked = question(namespace=namespace)
    assert await roles.rbac.authorize(asked) == (Decision.NO_OPINION, f"RBAC: {problem}")
    assert roles.rbac.rules_for(BOB, "a", namespace) == ([], [problem])


async def test_nothing_is_allowed_before_the_roles_are_loaded() -> None:
    backend = MemoryBackend()
    await backend.open()
    writer = Roles(backend)
    await writer.role("reader", rule("get", "pods"))
    await writer.bind("reader", user("bob"))
    source = CacheRoleSource(CacheSet(backend))
    rbac = RBACAuthorizer(source)
    assert rbac.decide(question())[0] is Decision.NO_OPINION
    await source.open()
    assert rbac.decide(question())[0] is Decision.ALLOW
    await backend.close()


async def test_indexes_are_bounded(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_MAX_CLUSTERS", "_MAX_NAMESPACES", "_MAX_ANSWERS"):
        monkeypatch.setattr(f"headwater.apiserver.authz.rbac.{limit}", 2)
    for cluster in "abc":
        await roles.role("reader", rule("get list watch", "pods"), cluster=cluster)
        for namespace in "xyz":
            await roles.bind("reader", user("bob"), cluster=cluster, namespace=namespace)
    for _ in range(2):
        for cluster in "abc":
            for namespace in "xyz":
                for verb in ("get", "list", "watch"):
                    assert allowed(roles, question(verb, namespace=namespace, cluster=cluster))


async def load_defaults(roles: Roles) -> None:
    for role in bootstrap.cluster_roles():
        await roles.role(role["metadata"]["name"], *role["rules"])
    for binding in bootstrap.cluster_role_bindings():
        content = {"roleRef": binding["roleRef"], "subjects": binding["subjects"]}
        await roles.put("ClusterRoleBinding", binding["metadata"]["name"], **content)


@pytest.mark.parametrize(
    ("role", "verb", "resource", "expected"),
    [
        ("view", "get", "pods", True),
        ("view", "get", "secrets", False),
        ("view", "update", "deployments.apps", False),
        ("edit", "get", "secrets", True),
        ("edit", "update", "deployments/scale.apps", True),
        ("edit", "update", "deployments/status.apps", False),
        ("edit", "create", "rolebindings.rbac.authorization.k8s.io", False),
        ("admin", "create", "rolebindings.rbac.authorization.k8s.io", True),
        ("admin", "create", "clusterrolebindings.rbac.authorization.k8s.io", False),
        ("cluster-admin", "anything", "clusterrolebindings.rbac.authorization.k8s.io", True),
    ],
)
async def test_the_default_roles(roles: Roles, role: str, verb: str, resource: str, expected: bool) -> None:
    await load_defaults(roles)
    await roles.bind(role, user("bob"), namespace="ns")
    name, _, api_group = resource.partition(".")
    name, _, subresource = name.partition("/")
    asked = question(verb, name, "ns", api_group=api_group, subresource=subresource)
    assert allowed(roles, asked) is expected


@pytest.mark.parametrize(
    ("groups", "path", "expected"),
    [
        (("system:unauthenticated",), "/version", True),
        (("system:unauthenticated",), "/apis", False),
        (("system:authenticated",), "/apis/apps/v1", True),
        (("system:authenticated",), "/metrics", False),
        (("system:monitoring",), "/metrics", True),
        (("system:masters",), "/anything", True),
        (("system:serviceaccounts",), "/openid/v1/jwks", True),
    ],
)
async def test_the_default_bindings(roles: Roles, groups: tuple[str, ...], path: str, expected: bool) -> None:
    await load_defaults(roles)
    asked = Attributes(UserInfo("x", groups=groups), "get", "a", path=path, is_resource=False)
    assert allowed(roles, asked) is expected


def test_aggregation_would_give_the_rules_that_the_default_roles_have() -> None:
    by_name = {role["metadata"]["name"]: role for role in bootstrap.cluster_roles()}
    for role in by_name.values():
        if "aggregationRule" not in role:
            continue
        (selector,) = role["aggregationRule"]["clusterRoleSelectors"]
        ((label, value),) = selector["matchLabels"].items()
        chosen = [r for r in by_name.values() if r["metadata"]["labels"].get(label) == value]
        gathered = [rule for r in chosen for rule in r["rules"]]
        assert chosen
        assert all(rule in gathered for rule in role["rules"])
        assert all(rule in role["rules"] for rule in gathered)


class Fixed:
    """Always gives the same answer."""

    def __init__(self, decision: Decision, reason: str = "") -> None:
        self._answer = decision, reason

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return self._answer


async def test_the_first_opinion_decides() -> None:
    silent = [Fixed(Decision.NO_OPINION, "a"), Fixed(Decision.NO_OPINION), Fixed(Decision.NO_OPINION, "b")]
    assert await UnionAuthorizer(silent).authorize(question()) == (Decision.NO_OPINION, "a, b")
    denying = UnionAuthorizer([*silent, Fixed(Decision.DENY, "no"), Fixed(Decision.ALLOW)])
    assert await denying.authorize(question()) == (Decision.DENY, "no")


async def test_groups_and_paths_that_are_always_allowed() -> None:
    union = UnionAuthorizer([AlwaysAllowGroups(), AlwaysAllowPaths(("/livez", "/open/*"))])

    async def decide(asked: Attributes) -> bool:
        return (await union.authorize(asked))[0] is Decision.ALLOW

    assert await decide(question(who=UserInfo("x", groups=("system:masters",))))
    assert not await decide(question())
    paths = {"/livez": True, "/livez/x": False, "/open/x": True, "/open": False}
    for path, expected in paths.items():
        assert await decide(Attributes(BOB, "get", path=path, is_resource=False)) is expected
    assert not await decide(question(resource="/livez"))
