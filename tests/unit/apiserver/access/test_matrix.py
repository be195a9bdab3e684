"""Every route is authorised: who gets through where is written down here, and what is not is refused."""

from __future__ import annotations

import pytest

from .conftest import RBAC_PATH, Server

# Whether nobody, bob (no rights), alice (edit in namespace a), robot (view in namespace a) and root get through.
MATRIX = {
    "GET /livez": "yes yes yes yes yes",
    "GET /readyz": "yes yes yes yes yes",
    "GET /healthz": "yes yes yes yes yes",
    "GET /version": "yes yes yes yes yes",
    "GET /readyz/ping": "no no no no yes",
    "GET /metrics": "no no no no yes",
    "GET /": "no no no no yes",
    "GET /api": "no yes yes yes yes",
    "GET /apis": "no yes yes yes yes",
    "GET /api/v1": "no yes yes yes yes",
    "GET /openapi/v3": "no yes yes yes yes",
    "GET /openid/v1/jwks": "no no no yes yes",
    "GET /unknown": "no no no no yes",
    "GET /api/v1/namespaces": "no no no no yes",
    "GET /api/v1/namespaces/a": "no no yes yes yes",
    "GET /api/v1/namespaces/b": "no no no no yes",
    "DELETE /api/v1/namespaces/a": "no no no no yes",
    "PUT /api/v1/namespaces/a/finalize": "no no no no yes",
    "GET /api/v1/configmaps": "no no no no yes",
    "GET /api/v1/namespaces/a/configmaps": "no no yes yes yes",
    "GET /api/v1/namespaces/a/configmaps?watch=1&timeoutSeconds=0": "no no yes yes yes",
    "GET /api/v1/namespaces/b/configmaps": "no no no no yes",
    "GET /api/v1/namespaces/a/configmaps/x": "no no yes yes yes",
    "POST /api/v1/namespaces/a/configmaps": "no no yes no yes",
    "PUT /api/v1/namespaces/a/configmaps/x": "no no yes no yes",
    "PATCH /api/v1/namespaces/a/configmaps/x": "no no yes no yes",
    "DELETE /api/v1/namespaces/a/configmaps/x": "no no yes no yes",
    "DELETE /api/v1/namespaces/a/configmaps": "no no yes no yes",
    "GET /api/v1/watch/namespaces/a/configmaps": "no no yes yes yes",
    "GET /api/v1/namespaces/a/secrets": "no no yes no yes",
    "GET /api/v1/namespaces/a/secrets/x": "no no yes no yes",
    "GET /api/v1/namespaces/b/secrets/x": "no no no no yes",
    "GET /api/v1/namespaces/a/pods/x/status": "no no yes yes yes",
    "PUT /api/v1/namespaces/a/pods/x/status": "no no no no yes",
    "POST /api/v1/namespaces/a/pods/x/binding": "no no no no yes",
    "POST /api/v1/namespaces/a/pods/x/eviction": "no no yes no yes",
    "POST /api/v1/namespaces/a/serviceaccounts/x/token": "no no yes no yes",
    "POST /api/v1/namespaces/b/serviceaccounts/x/token": "no no no no yes",
    f"GET {RBAC_PATH}/namespaces/a/roles": "no no no no yes",
    f"POST {RBAC_PATH}/namespaces/a/rolebindings": "no no no no yes",
    f"POST {RBAC_PATH}/clusterrolebindings": "no no no no yes",
    "GET /apis/coordination.k8s.io/v1/namespaces/a/leases": "no no yes no yes",
    "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "no yes yes yes yes",
    "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews": "no yes yes yes yes",
    "POST /apis/authorization.k8s.io/v1/subjectaccessreviews": "no no no no yes",
    "POST /apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews": "no no no no yes",
    "POST /apis/authentication.k8s.io/v1/selfsubjectreviews": "no yes yes yes yes",
    "POST /apis/authentication.k8s.io/v1/tokenreviews": "no no no no yes",
    "GET /apis/nothing.example/v1/things": "no no no no yes",
    "GET /apis/nothing.example/v1/namespaces/a/things": "no no no no yes",
}
NAMES = ("", "bob", "alice", "robot", "root")


async def robot_token(server: Server) -> str:
    """The token of a service account that may view namespace a."""
    for name in "ab":
        await server.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    await server.must("POST", "/api/v1/namespaces/a/serviceaccounts", {"metadata": {"name": "robot"}})
    answer = await server.must("POST", "/api/v1/namespaces/a/serviceaccounts/robot/token", {"spec": {}})
    for role, subject in (
        ("view", {"kind": "ServiceAccount", "name": "robot", "namespace": "a"}),
        ("edit", {"kind": "Group", "name": "team-a", "apiGroup": "rbac.authorization.k8s.io"}),
    ):
        await server.must(
            "POST",
            f"{RBAC_PATH}/namespaces/a/rolebindings",
            {
                "metadata": {"name": role},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [subject],
            },
        )
    token: str = answer["status"]["token"]
    return token


async def test_who_gets_through_where(server: Server) -> None:
    """A refusal is 403 whatever else is wrong with the request; anything else counts as getting through."""
    tokens = {"robot": await robot_token(server)}
    wrong = []
    for route, row in MATRIX.items():
        method, target = route.split(" ")
        for name, expected in zip(NAMES, row.split(" "), strict=True):
            if method == "GET" and "watch" in target and expected == "yes":
                continue  # Streams are looked at elsewhere.
            status, _ = await server.send(tokens.get(name, name), method, target, {})
            if (status != 403) != (expected == "yes") or status in (401, 500):
                wrong.append(f"{name or 'nobody'}: {route} gave {status}")
    assert not wrong


async def test_a_user_without_roles_is_refused_on_everything_served(server: Server) -> None:
    """Discovery names all resources and subresources; none of them forgets to ask."""
    tried = 0
    _, groups = await server.send("root", "GET", "/apis")
    versions = [f"/apis/{version['groupVersion']}" for group in groups["groups"] for version in group["versions"]]
    for base in ("/api/v1", *versions):
        _, listed = await server.send("root", "GET", base)
        for resource in listed["resources"]:
            name, _, subresource = resource["name"].partition("/")
            if name in ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"):
                continue  # These are about the caller alone.
            space = "/namespaces/a" if resource["namespaced"] else ""
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                for target in (f"/{name}", f"/{name}/x/{subresource}" if subresource else f"/{name}/x"):
                    status, body = await server.send("bob", method, base + space + target, {})
                    assert status == 403, f"{method} {base}{space}{target} gave {status}"
                    assert 'User "bob" cannot' in body["message"]
                    tried += 1
    assert tried > 150


async def test_a_refused_request_learns_nothing_about_what_exists(server: Server) -> None:
    """The answer for an object that exists and for one that doesn't is the same but for the name."""
    await robot_token(server)
    await server.must("POST", "/api/v1/namespaces/b/secrets", {"metadata": {"name": "there"}})
    for first, second in (
        ("/api/v1/namespaces/b/secrets/there", "/api/v1/namespaces/b/secrets/gone1"),
        ("/api/v1/namespaces/b/secrets/there", "/api/v1/namespaces/c/secrets/there"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", "/apis/nothing.example/v1/clusterroles/view"),
    ):
        answers = []
        for path in (first, second):
            status, body = await server.send("bob", "GET", path)
            assert status == 403
            assert body["message"].count("forbidden") == 1
            answers.append(body["reason"])
        assert answers[0] == answers[1]


@pytest.mark.parametrize("who", ["", "bob"])
async def test_impersonation_does_not_get_around_the_roles(server: Server, who: str) -> None:
    for headers in (
        {"impersonate-user": "root"},
        {"impersonate-user": "x", "impersonate-group": "system:masters"},
        {"impersonate-user": "system:apiserver"},
    ):
        status, _ = await server.send(who, "GET", "/api/v1/secrets", headers=headers)
        assert status == 403
