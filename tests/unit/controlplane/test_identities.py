"""As whom users count in a logical cluster."""

from __future__ import annotations

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.controlplane.authorization.identities import (
    SCOPES_EXTRA,
    as_consumer,
    counts_as,
    in_scope,
    is_local_account,
    scoped,
)

HOME = "authentication.kcp.io/cluster-name"
ALICE = UserInfo("alice", groups=("team", "system:authenticated"))
ACCOUNT = UserInfo(
    "system:serviceaccount:default:bot",
    groups=("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
    extra={HOME: ("a",)},
)


def test_people_are_themselves() -> None:
    assert counts_as(ALICE, "a") == (ALICE,)


def test_accounts_are_themselves_at_home_only() -> None:
    """Elsewhere an account is known by a name that no account there can have."""
    at_home = counts_as(ACCOUNT, "a")
    abroad = counts_as(ACCOUNT, "b")
    assert at_home[0] is ACCOUNT
    assert [user.name for user in at_home[1:]] == ["system:kcp:serviceaccount:a:default:bot"]
    assert [user.name for user in abroad] == ["system:kcp:serviceaccount:a:default:bot"]
    assert abroad[0].groups == ("system:authenticated", "system:cluster:b")
    assert is_local_account(ACCOUNT, "a") and not is_local_account(ACCOUNT, "b")


@pytest.mark.parametrize(
    "user",
    [
        UserInfo("system:serviceaccount:default:bot", groups=("system:authenticated",)),
        UserInfo("system:serviceaccount:default:bot", groups=("system:authenticated",), extra={"x": ("y",)}),
        UserInfo("system:serviceaccount:default:bot", groups=("system:authenticated",), extra={HOME: ("a", "b")}),
    ],
    ids=["no extras", "no home", "two homes"],
)
def test_an_account_without_a_home_is_nobody(user: UserInfo) -> None:
    assert [each.name for each in counts_as(user, "a")] == ["system:anonymous"]


@pytest.mark.parametrize(
    ("scopes", "inside"),
    [
        ((), True),
        (("cluster:a",), True),
        (("cluster:b",), False),
        (("cluster:a,cluster:b",), True),
        (("cluster:a,cluster:b", "cluster:b"), False),
    ],
)
def test_scopes(scopes: tuple[str, ...], inside: bool) -> None:
    """Values are alternatives within one scope, and all scopes have to admit the cluster."""
    user = UserInfo("alice", groups=("system:authenticated",), extra={SCOPES_EXTRA: scopes})
    assert in_scope(user, "a") is inside
    assert (counts_as(user, "a")[0].name == "alice") is inside


def test_impersonated_users_stay_where_they_were_taken_on() -> None:
    """Only the system can become someone everywhere; scopes of the requestor are kept."""
    target = UserInfo("bob", groups=("system:authenticated",))
    masters = UserInfo("root", groups=("system:masters",))
    assert scoped(masters, target, "a") is target
    taken = scoped(ALICE, target, "a")
    assert taken.extra[SCOPES_EXTRA] == ("cluster:a",)
    twice = scoped(UserInfo("alice", extra={SCOPES_EXTRA: ("cluster:b",)}), target, "a")
    assert twice.extra[SCOPES_EXTRA] == ("cluster:b", "cluster:a")
    account = scoped(ALICE, UserInfo("system:serviceaccount:default:bot"), "a")
    assert account.extra[HOME] == ("a",)


def test_consumers_are_prefixed() -> None:
    """The exporter's policy names consumers so that they can't be confused with its own users."""
    consumer = as_consumer(ALICE)
    assert consumer.name == "apis.kcp.io:binding:alice"
    assert consumer.groups == ("apis.kcp.io:binding:team", "apis.kcp.io:binding:system:authenticated")
    account = as_consumer(ACCOUNT, "a")
    assert account.name == "apis.kcp.io:binding:system:kcp:serviceaccount:a:default:bot"
    assert account.groups == ("apis.kcp.io:binding:system:authenticated",)
