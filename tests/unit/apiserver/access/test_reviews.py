"""Reviews answer what the filters would decide, in the shapes that kubectl reads."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apiserver.authn.tokens import peek_claims

from .conftest import ISSUER, RBAC_PATH, Server

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"


@pytest.fixture
async def ready(server: Server) -> Server:
    """Alice may edit namespace a."""
    await server.must("POST", "/api/v1/namespaces", {"metadata": {"name": "a"}})
    await server.must(
        "POST",
        f"{RBAC_PATH}/namespaces/a/rolebindings",
        {
            "metadata": {"name": "edit"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
        },
    )
    return server


def attributes(verb: str = "get", resource: str = "secrets", namespace: str = "a", **more: str) -> dict[str, Any]:
    return {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": namespace, **more}}


@pytest.mark.parametrize(
    ("who", "spec", "allowed"),
    [
        pytest.param("alice", attributes(), True, id="own namespace"),
        pytest.param("alice", attributes(namespace="b"), False, id="another namespace"),
        pytest.param("bob", attributes(), False, id="no role"),
        pytest.param("root", attributes("delete", "nodes", ""), True, id="a privileged group"),
        pytest.param("alice", attributes("update", "deployments", group="apps", subresource="scale"), True, id="scale"),
        pytest.param("bob", {"nonResourceAttributes": {"path": "/apis", "verb": "get"}}, True, id="URL"),
        pytest.param("bob", {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}, False, id="another URL"),
    ],
)
async def test_can_i(ready: Server, who: str, spec: dict[str, Any], allowed: bool) -> None:
    status, review = await ready.send(who, "POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec})
    assert status == 201
    assert (review["kind"], review["apiVersion"]) == ("SelfSubjectAccessReview", "authorization.k8s.io/v1")
    assert review["status"]["allowed"] is allowed
    assert review["spec"] == spec
    if allowed and who == "alice":
        assert review["status"]["reason"].startswith('RBAC: allowed by RoleBinding "edit/a"')


async def test_can_somebody_else(ready: Server) -> None:
    for subject, allowed in (
        ({"user": "alice"}, True),
        ({"user": "bob"}, False),
        ({"user": "bob", "groups": ["system:masters"], "uid": "1", "extra": {"a": ["b"]}}, True),
        ({"groups": ["system:masters"]}, True),
    ):
        spec = {**attributes(), **subject}
        status, review = await ready.send("root", "POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec})
        assert (status, review["status"]["allowed"]) == (201, allowed)


async def test_can_somebody_in_a_namespace(ready: Server) -> None:
    path = f"{AUTHORIZATION}/namespaces/a/localsubjectaccessreviews"
    status, review = await ready.send("root", "POST", path, {"spec": {**attributes(), "user": "alice"}})
    assert (status, review["status"]["allowed"]) == (201, True)
    for wrong in (attributes(namespace="b"), {"nonResourceAttributes": {"path": "/", "verb": "get"}}):
        status, _ = await ready.send("root", "POST", path, {"spec": {**wrong, "user": "alice"}})
        assert status == 422


@pytest.mark.parametrize(
    ("spec", "status", "part"),
    [
        pytest.param({}, 422, "exactly one of nonResourceAttributes or resourceAttributes", id="nothing"),
        pytest.param(
            {**attributes(), "nonResourceAttributes": {"path": "/"}, "user": "x"}, 422, "cannot be specified", id="both"
        ),
        pytest.param(attributes(), 422, "at least one of user or group must be specified", id="nobody"),
        pytest.param({**attributes(), "groups": "x"}, 400, "lists of strings", id="groups of the wrong type"),
        pytest.param({"resourceAttributes": "x", "user": "x"}, 400, "must be objects", id="no attributes"),
        pytest.param({**attributes(), "user": 5}, 400, "must be a string", id="user of the wrong type"),
        pytest.param({**attributes(), "user": "x", "extra": []}, 400, "lists of strings", id="extra of the wrong type"),
    ],
)
async def test_bad_questions(ready: Server, spec: dict[str, Any], status: int, part: str) -> None:
    actual, body = await ready.send("root", "POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec})
    assert actual == status
    assert part in body["message"]


async def test_what_can_i_do(ready: Server) -> None:
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"
    status, review = await ready.send("alice", "POST", path, {"spec": {"namespace": "a"}})
    assert status == 201
    found = review["status"]
    assert found["incomplete"] is False
    assert {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/eviction"]} in found["resourceRules"]
    assert any("/apis/*" in rule["nonResourceURLs"] for rule in found["nonResourceRules"])
    _, elsewhere = await ready.send("alice", "POST", path, {"spec": {"namespace": "b"}})
    assert len(elsewhere["status"]["resourceRules"]) < len(found["resourceRules"])
    assert (await ready.send("alice", "POST", path, {"spec": {}}))[0] == 400


async def test_who_am_i(ready: Server) -> None:
    path = f"{AUTHENTICATION}/selfsubjectreviews"
    status, review = await ready.send("alice", "POST", path, {})
    assert (status, review["kind"]) == (201, "SelfSubjectReview")
    assert review["status"] == {
        "userInfo": {"username": "alice", "groups": ["team-a", "system:authenticated"]},
    }
    headers = {"impersonate-user": "eve", "impersonate-uid": "7", "impersonate-extra-a": "b"}
    _, review = await ready.send("root", "POST", path, {}, headers)
    assert review["status"]["userInfo"] == {
        "username": "eve",
        "uid": "7",
        "groups": ["system:authenticated"],
        "extra": {"a": ["b"]},
    }


async def test_whose_token_is_this(ready: Server) -> None:
    await ready.must("POST", "/api/v1/namespaces/a/serviceaccounts", {"metadata": {"name": "robot"}})
    request = {"spec": {"audiences": ["vault"], "expirationSeconds": 700}}
    issued = await ready.must("POST", "/api/v1/namespaces/a/serviceaccounts/robot/token", request)
    token = issued["status"]["token"]
    assert (issued["kind"], issued["metadata"]) == ("TokenRequest", {"name": "robot", "namespace": "a"})
    assert issued["spec"]["audiences"] == ["vault"]
    claims = peek_claims(token)
    assert claims is not None
    assert "clusterName" not in claims["kubernetes.io"]

    async def review(token: str, *audiences: str) -> dict[str, Any]:
        spec = {"token": token, "audiences": list(audiences)}
        status, answer = await ready.send("root", "POST", f"{AUTHENTICATION}/tokenreviews", {"spec": spec})
        assert status == 201
        found: dict[str, Any] = answer["status"]
        return found

    found = await review(token, "vault", "x")
    assert (found["authenticated"], found["audiences"]) == (True, ["vault"])
    assert found["user"]["username"] == "system:serviceaccount:a:robot"
    assert "system:authenticated" in found["user"]["groups"]
    assert (await review(token))["authenticated"] is False
    assert (await review("alice"))["audiences"] == [ISSUER]
    assert (await review("alice", "vault"))["authenticated"] is False
    wrong = await review("wrong")
    assert (wrong["authenticated"], wrong["user"]) == (False, {})
    for spec in ({}, {"token": "x", "audiences": "y"}):
        assert (await ready.send("root", "POST", f"{AUTHENTICATION}/tokenreviews", {"spec": spec}))[0] == 400


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        pytest.param({"expirationSeconds": 5}, 422, id="too short"),
        pytest.param({"expirationSeconds": 1 << 40}, 422, id="too long"),
        pytest.param({"expirationSeconds": "x"}, 400, id="no number"),
        pytest.param({"audiences": "x"}, 400, id="audience of the wrong type"),
        pytest.param({"boundObjectRef": {"kind": "Secret", "name": "none"}}, 404, id="bound to nothing"),
        pytest.param({"boundObjectRef": {"kind": "ConfigMap", "name": "x"}}, 400, id="bound to an odd kind"),
        pytest.param({"boundObjectRef": "x"}, 400, id="reference of the wrong type"),
        pytest.param({"boundObjectRef": {"kind": "Secret", "name": "s", "uid": "no"}}, 409, id="another uid"),
        pytest.param({"boundObjectRef": {"kind": "Pod", "name": "p"}}, 400, id="the pod of another account"),
        pytest.param({"boundObjectRef": {"kind": "Secret", "name": "s", "apiVersion": "v1"}}, 201, id="bound"),
    ],
)
async def test_token_requests(ready: Server, spec: dict[str, Any], status: int) -> None:
    await ready.must("POST", "/api/v1/namespaces/a/serviceaccounts", {"metadata": {"name": "robot"}})
    await ready.must("POST", "/api/v1/namespaces/a/secrets", {"metadata": {"name": "s"}})
    container = {"name": "c", "image": "i"}
    await ready.must(
        "POST",
        "/api/v1/namespaces/a/pods",
        {"metadata": {"name": "p"}, "spec": {"containers": [container], "serviceAccountName": "other"}},
    )
    path = "/api/v1/namespaces/a/serviceaccounts/robot/token"
    actual, body = await ready.send("alice", "POST", path, {"spec": spec})
    assert actual == status, body
    if status == 201:
        assert (await ready.send(body["status"]["token"], "GET", "/api"))[0] == 200
        await ready.must("DELETE", "/api/v1/namespaces/a/secrets/s")
        assert (await ready.send(body["status"]["token"], "GET", "/api"))[0] == 401


async def test_a_token_for_nobody(ready: Server) -> None:
    path = "/api/v1/namespaces/a/serviceaccounts/none/token"
    status, body = await ready.send("root", "POST", path, {"spec": {}})
    assert (status, body["reason"]) == (404, "NotFound")
