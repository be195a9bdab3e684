"""Acting as another user takes a right to every part of that identity."""

from __future__ import annotations

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.apiserver.filters.impersonation import ImpersonationFilter
from headwater.apiserver.web.types import Request

from .conftest import Authorizer, Chain, body_of

AUTHENTICATED = "system:authenticated"


async def impersonate(chain: Chain, headers: list[tuple[str, str]], token: str = "bob-token") -> UserInfo:
    response = await chain.send(token=token, headers=headers)
    assert response.status == 200, body_of(response)
    return chain.requests[-1].user


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([("Impersonate-User", "eve")], UserInfo("eve", groups=(AUTHENTICATED,)), id="a user"),
        pytest.param(
            [("Impersonate-User", "eve"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b"),
             ("Impersonate-Uid", "7"), ("Impersonate-Extra-Scopes", "x"), ("Impersonate-Extra-Scopes", "y"),
             ("Impersonate-Extra-Acme.Com%2Fteam", "z")],
            UserInfo("eve", "7", ("a", "b", AUTHENTICATED), {"scopes": ("x", "y"), "acme.com/team": ("z",)}),
            id="everything",
        ),
        pytest.param(
            [("Impersonate-User", "system:serviceaccount:ns:robot")],
            UserInfo(
                "system:serviceaccount:ns:robot",
                groups=("system:serviceaccounts", "system:serviceaccounts:ns", AUTHENTICATED),
            ),
            id="a service account with its groups",
        ),
        pytest.param(
            [("Impersonate-User", "system:anonymous")],
            UserInfo("system:anonymous", groups=("system:unauthenticated",)), id="nobody",
        ),
    ],
)  # fmt: skip
async def test_the_identity_that_results(chain: Chain, headers: list[tuple[str, str]], expected: UserInfo) -> None:
    assert await impersonate(chain, headers) == expected


async def test_every_part_is_asked_about() -> None:
    chain = Chain()
    await impersonate(
        chain,
        [
            ("Impersonate-User", "system:serviceaccount:ns:robot"),
            ("Impersonate-Group", "dev"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-scopes", "x"),
        ],
    )
    asked = [
        (q.group, q.resource, q.subresource, q.namespace, q.name)
        for q in chain.authorizer.asked
        if q.verb == "impersonate"
    ]
    assert asked == [
        ("", "serviceaccounts", "", "ns", "robot"),
        ("", "groups", "", "", "dev"),
        ("authentication.k8s.io", "uids", "", "", "7"),
        ("authentication.k8s.io", "userextras", "scopes", "", "x"),
    ]
    # The request itself is authorised for the user that results.
    assert chain.authorizer.asked[-1].user.name == "system:serviceaccount:ns:robot"


@pytest.mark.parametrize("refused", ["users", "groups", "uids", "userextras"])
async def test_one_part_refused_is_all_refused(refused: str) -> None:
    def allowed(attributes: Attributes) -> bool:
        return not (attributes.verb == "impersonate" and attributes.resource == refused)

    chain = Chain(allowed=allowed)
    headers = [
        ("Impersonate-User", "eve"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-scopes", "x"),
    ]
    response = await chain.send(token="bob-token", headers=headers)
    assert response.status == 403
    assert 'User "bob" cannot impersonate resource' in body_of(response)["message"]
    assert not chain.requests


@pytest.mark.parametrize("header", ["Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-a"])
async def test_parts_without_a_user_make_no_sense(chain: Chain, header: str) -> None:
    response = await chain.send(token="bob-token", headers={header: "x"})
    assert response.status == 400


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        pytest.param([("Impersonate-Group", "system:masters")], "bob-token", 403, id="masters by a user"),
        pytest.param([("Impersonate-Group", "system:masters")], "root-token", 200, id="masters by a master"),
        pytest.param([("Impersonate-Group", "vip:x")], "bob-token", 403, id="a pattern"),
        pytest.param([("Impersonate-Group", "dev")], "bob-token", 200, id="a group of their own"),
        pytest.param([("Impersonate-Extra-Vip%2Fscope", "x")], "bob-token", 403, id="a protected extra"),
    ],
)
async def test_protected_parts_need_more_than_a_right(headers: list[tuple[str, str]], token: str, status: int) -> None:
    protect = ImpersonationFilter(
        Authorizer(), protected_groups=("system:masters", "vip:*", "dev"), protected_extras=("vip/*",)
    )
    response = await Chain(impersonation=protect).send(token=token, headers=[("Impersonate-User", "eve"), *headers])
    assert response.status == status


async def test_the_result_can_be_narrowed() -> None:
    def scope(request: Request, requestor: UserInfo, target: UserInfo) -> UserInfo:
        return UserInfo(target.name, groups=target.groups, extra={"scopes": (f"for {requestor.name}",)})

    chain = Chain(impersonation=ImpersonationFilter(Authorizer(), adjust=scope))
    assert (await impersonate(chain, [("Impersonate-User", "eve")])).extra == {"scopes": ("for bob",)}
