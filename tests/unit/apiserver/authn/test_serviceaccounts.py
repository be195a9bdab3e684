"""Service-account tokens: what they say, and everything that ends them."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from headwater.apiserver.authn.accounts import CLUSTER_EXTRA, ServiceAccountAuthenticator
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.serviceaccounts import split_user_name
from headwater.apiserver.authn.tokens import BoundObject, SigningKey, TokenIssuer, peek_claims
from headwater.base.clock import ManualClock
from headwater.machinery.errors import Unauthorized
from headwater.machinery.objects import Object

ISSUER = "https://kubernetes.default.svc"
ROBOT = {"cluster": "a", "namespace": "ns", "name": "robot", "uid": "u1"}


class Objects(dict[tuple[str, str, str, str], Object]):
    """A lookup whose objects the test sets."""

    def put(self, resource: str, namespace: str, name: str, uid: str, cluster: str = "a", **content: Any) -> Object:
        obj: Object = {"metadata": {"name": name, "uid": uid}, **content}
        self[(resource, cluster, namespace, name)] = obj
        return obj

    async def get(self, resource: str, cluster: str, namespace: str, name: str) -> Object | None:  # type: ignore[override]
        return dict.get(self, (resource, cluster, namespace, name))


class Setting:
    """An issuer, an authenticator and the objects that they see."""

    def __init__(self, key: SigningKey, default_cluster: str = "") -> None:
        self.clock = ManualClock()
        self.issuer = TokenIssuer(key, issuer=ISSUER, clock=self.clock, default_cluster=default_cluster)
        self.objects = Objects()
        self.account = self.objects.put("serviceaccounts", "ns", "robot", "u1")
        self.authenticator = ServiceAccountAuthenticator(
            self.issuer, self.objects, clock=self.clock, show_cluster=not default_cluster
        )

    async def user(self, token: str, *audiences: str) -> UserInfo | None:
        return await self.authenticator.authenticate_token(token, audiences)

    async def refused(self, token: str, *audiences: str) -> bool:
        with pytest.raises(Unauthorized):
            await self.user(token, *audiences)
        return True


@pytest.fixture
def setting(signing_key: SigningKey) -> Setting:
    return Setting(signing_key)


async def test_an_issued_token_is_its_account(setting: Setting) -> None:
    token, expires = setting.issuer.issue(**ROBOT, seconds=1000)
    assert (expires - setting.clock.now()).total_seconds() == 1000
    for _ in range(2):
        user = await setting.user(token)
        assert user is not None
        assert user.name == "system:serviceaccount:ns:robot"
        assert (user.uid, user.groups) == ("u1", ("system:serviceaccounts", "system:serviceaccounts:ns"))
        assert user.extra[CLUSTER_EXTRA] == ("a",)
        assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")
    claims = peek_claims(token)
    assert claims is not None
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, [ISSUER], "system:serviceaccount:ns:robot")
    assert claims["kubernetes.io"] == {
        "namespace": "ns", "serviceaccount": {"name": "robot", "uid": "u1"}, "clusterName": "a",
    }  # fmt: skip
    assert jwt.get_unverified_header(token)["kid"] == setting.issuer.keys()["keys"][0]["kid"]


async def test_a_plain_server_names_no_cluster(signing_key: SigningKey) -> None:
    setting = Setting(signing_key, default_cluster="a")
    token, _ = setting.issuer.issue(**ROBOT)
    user = await setting.user(token)
    assert user is not None
    assert CLUSTER_EXTRA not in user.extra
    for made in (token, setting.issuer.issue_legacy(**ROBOT, secret_name="s")):
        assert "clusterName" not in str(peek_claims(made))


async def test_expiry(setting: Setting) -> None:
    token, _ = setting.issuer.issue(**ROBOT, seconds=1)
    setting.clock.advance(599)
    assert await setting.user(token) is not None
    setting.clock.advance(2)
    assert await setting.refused(token)
    assert await setting.refused(token)


async def test_a_deleted_or_recreated_account_is_out_at_once(setting: Setting) -> None:
    token, _ = setting.issuer.issue(**ROBOT)
    assert await setting.user(token) is not None
    setting.account["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert await setting.refused(token)
    setting.objects.put("serviceaccounts", "ns", "robot", "u2")
    assert await setting.refused(token)
    setting.objects.clear()
    assert await setting.refused(token)


async def test_an_account_of_the_same_name_elsewhere_is_another_one(setting: Setting) -> None:
    setting.objects.put("serviceaccounts", "ns", "robot", "u1", cluster="b")
    token, _ = setting.issuer.issue(**{**ROBOT, "cluster": "c"})
    assert await setting.refused(token)


@pytest.mark.parametrize("kind", ["pod", "secret", "node"])
async def test_a_bound_token_ends_with_its_object(setting: Setting, kind: str) -> None:
    space = "" if kind == "node" else "ns"
    token, _ = setting.issuer.issue(**ROBOT, bound=BoundObject(kind, "x", "b1"))
    assert await setting.refused(token)
    setting.objects.put(f"{kind}s", space, "x", "b1")
    user = await setting.user(token)
    assert user is not None
    assert (f"authentication.kubernetes.io/{kind}-name" in user.extra) is (kind != "secret")
    setting.objects.put(f"{kind}s", space, "x", "b2")
    assert await setting.refused(token)


async def test_audiences(setting: Setting) -> None:
    token, _ = setting.issuer.issue(**ROBOT, audiences=("vault", "other"))
    assert await setting.refused(token)
    assert await setting.user(token, "vault") is not None
    assert await setting.refused(token, ISSUER)
    assert await setting.user(token, "x", "other") is not None


async def test_a_token_in_a_secret_lives_as_long_as_the_secret_holds_it(setting: Setting) -> None:
    token = setting.issuer.issue_legacy(**ROBOT, secret_name="s")
    assert await setting.refused(token)
    held = base64.b64encode(token.encode()).decode()
    setting.objects.put("secrets", "ns", "s", "s1", data={"token": held})
    user = await setting.user(token)
    assert user is not None
    assert user.extra[CLUSTER_EXTRA] == ("a",)
    setting.objects.put("secrets", "ns", "s", "s1", data={"token": "bmV3"})
    assert await setting.refused(token)


def claims_of(setting: Setting, **changes: Any) -> dict[str, Any]:
    token, _ = setting.issuer.issue(**ROBOT)
    claims = peek_claims(token)
    assert claims is not None
    return {key: value for key, value in {**claims, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sub": "system:serviceaccount:ns:admin"}, id="another subject"),
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"exp": "never"}, id="expiry of the wrong type"),
        pytest.param({"nbf": 99999999999}, id="not yet valid"),
        pytest.param({"kubernetes.io": None}, id="no account"),
        pytest.param({"kubernetes.io": "x"}, id="account of the wrong type"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param(
            {"kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "robot", "uid": "u1"}}}, id="no cluster"
        ),
    ],
)
async def test_a_signed_token_that_says_too_little_is_refused(
    setting: Setting, signing_key: SigningKey, changes: dict[str, Any]
) -> None:
    token = jwt.encode(claims_of(setting, **changes), signing_key.private_pem, algorithm="RS256")
    assert await setting.refused(token)


async def test_forgeries_are_refused(setting: Setting, other_key: SigningKey) -> None:
    claims = claims_of(setting)
    assert await setting.refused(jwt.encode(claims, other_key.private_pem, algorithm="RS256"))
    assert await setting.refused(jwt.encode(claims, "x" * 32, algorithm="HS256"))
    assert await setting.refused(jwt.encode(claims, None, algorithm="none"))
    token, _ = setting.issuer.issue(**ROBOT)
    head, body, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed["kubernetes.io"]["serviceaccount"]["name"] = "admin"
    body = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    assert await setting.refused(f"{head}.{body}.{signature}")


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "ey.!.x", "eyJh.WzFd.x", "ey.e30.x"])
async def test_other_tokens_are_left_to_others(setting: Setting, token: str) -> None:
    assert await setting.user(token) is None


async def test_a_token_of_another_issuer_is_left_to_others(setting: Setting, signing_key: SigningKey) -> None:
    token = jwt.encode(claims_of(setting, iss="https://else"), signing_key.private_pem, algorithm="RS256")
    assert await setting.user(token) is None


async def test_verified_tokens_are_bounded(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.apiserver.authn.accounts._MAX_CACHED", 2)
    tokens = [setting.issuer.issue(**ROBOT)[0] for _ in range(4)]
    for token in [*tokens, tokens[0]]:
        assert await setting.user(token) is not None


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("system:serviceaccount:ns:robot", ("ns", "robot")),
        ("system:serviceaccount:ns", None),
        ("system:serviceaccount::robot", None),
        ("system:serviceaccount:ns:a:b", None),
        ("bob", None),
    ],
)
def test_user_names_of_accounts(user: str, expected: tuple[str, str] | None) -> None:
    assert split_user_name(user) == expected


def test_the_public_documents(setting: Setting) -> None:
    assert setting.issuer.discovery("/keys")["jwks_uri"] == ISSUER + "/keys"
    (key,) = setting.issuer.keys()["keys"]
    assert {"kty", "n", "e", "kid", "alg", "use"} == set(key)
    assert "d" not in key
