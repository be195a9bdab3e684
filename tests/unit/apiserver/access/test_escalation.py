"""Nobody can give themselves, or anyone, rights that they don't have."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import RBAC_PATH, Server

GROUP = "rbac.authorization.k8s.io"


def role(name: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules), **more}


def resources(verbs: str, names: str, group: str = "") -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": names.split()}


def binding(name: str, target: str, user: str, kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": target},
        "subjects": [{"kind": "User", "name": user, "apiGroup": GROUP}],
    }


@pytest.fixture
async def owned(server: Server) -> Server:
    """Alice is admin of namespace a."""
    await server.must("POST", "/api/v1/namespaces", {"metadata": {"name": "a"}})
    await server.must("POST", f"{RBAC_PATH}/namespaces/a/rolebindings", binding("admins", "admin", "alice"))
    return server


ROLES = f"{RBAC_PATH}/namespaces/a/roles"
BINDINGS = f"{RBAC_PATH}/namespaces/a/rolebindings"


async def test_a_role_may_hold_what_its_author_may_do(owned: Server) -> None:
    assert (await owned.send("alice", "POST", ROLES, role("mine", resources("get list", "pods secrets"))))[0] == 201


async def test_a_role_may_not_hold_more(owned: Server) -> None:
    status, body = await owned.send("alice", "POST", ROLES, role("more", resources("get", "pods nodes")))
    assert (status, body["reason"]) == (403, "Forbidden")
    assert body["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["team-a" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}'
    )


async def test_a_role_may_not_grow(owned: Server) -> None:
    await owned.must("POST", ROLES, role("r", resources("*", "nodes")))
    # Leaving the rules as they are is fine, whoever wrote them.
    labelled = role("r", resources("*", "nodes"))
    labelled["metadata"]["labels"] = {"a": "b"}
    assert (await owned.send("alice", "PUT", f"{ROLES}/r", labelled))[0] == 200
    assert (await owned.send("alice", "PUT", f"{ROLES}/r", role("r", resources("*", "nodes pods"))))[0] == 403
    assert (await owned.send("alice", "PUT", f"{ROLES}/r", role("r", resources("get", "pods"))))[0] == 200


async def test_a_binding_needs_the_rights_of_its_role(owned: Server) -> None:
    assert (await owned.send("alice", "POST", BINDINGS, binding("ok", "view", "bob")))[0] == 201
    assert (await owned.send("alice", "POST", BINDINGS, binding("no", "cluster-admin", "bob")))[0] == 403
    assert (await owned.send("alice", "POST", BINDINGS, binding("none", "missing", "bob")))[0] == 404
    await owned.must("POST", BINDINGS, binding("strong", "cluster-admin", "root"))
    same = {**binding("strong", "cluster-admin", "root"), "metadata": {"name": "strong", "labels": {"a": "b"}}}
    assert (await owned.send("alice", "PUT", f"{BINDINGS}/strong", same))[0] == 200
    assert (await owned.send("alice", "PUT", f"{BINDINGS}/strong", binding("strong", "cluster-admin", "bob")))[0] == 403


@pytest.mark.parametrize("verb", ["bind", "escalate"])
async def test_the_verbs_bind_and_escalate_lift_the_check(owned: Server, verb: str) -> None:
    await owned.must("POST", f"{RBAC_PATH}/clusterroles", role("lift", resources(verb, "roles clusterroles", GROUP)))
    await owned.must("POST", BINDINGS, binding("lift", "lift", "alice"))
    may_bind = (await owned.send("alice", "POST", BINDINGS, binding("b", "cluster-admin", "bob")))[0] == 201
    may_write = (await owned.send("alice", "POST", ROLES, role("r", resources("*", "nodes"))))[0] == 201
    assert (may_bind, may_write) == (verb == "bind", verb == "escalate")


async def test_an_aggregated_role_needs_everything(server: Server) -> None:
    writer = role("writer", resources("create", "clusterroles", GROUP), resources("get", "pods"))
    await server.must("POST", f"{RBAC_PATH}/clusterroles", writer)
    await server.must("POST", f"{RBAC_PATH}/clusterrolebindings", binding("writer", "writer", "bob"))
    path = f"{RBAC_PATH}/clusterroles"
    selector = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    assert (await server.send("bob", "POST", path, role("plain", resources("get", "pods"))))[0] == 201
    assert (await server.send("bob", "POST", path, role("many", aggregationRule=selector)))[0] == 403
    assert (await server.send("root", "POST", path, role("many", aggregationRule=selector)))[0] == 201


async def test_what_could_not_be_resolved_is_said(owned: Server) -> None:
    await owned.must("POST", BINDINGS, binding("broken", "vanished", "alice"))
    _, body = await owned.send("alice", "POST", ROLES, role("more", resources("get", "nodes")))
    assert body["message"].endswith('resolution errors: [clusterrole.rbac.authorization.k8s.io "vanished" not found]')
