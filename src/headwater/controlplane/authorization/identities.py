"""As whom a user counts in a logical cluster: service accounts only at home, scoped users only in scope. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from headwater.apis.apis.v1alpha2.apiexport import SUBJECT_PREFIX
from headwater.apiserver.authn.accounts import CLUSTER_EXTRA
from headwater.apiserver.authn.interface import ALL_AUTHENTICATED, ANONYMOUS, PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.authn.serviceaccounts import account_groups, split_user_name

SCOPES_EXTRA: Final = "authentication.kcp.io/scopes"
_SCOPE_PREFIX: Final = "cluster:"
_FOREIGN_ACCOUNT: Final = "system:kcp:serviceaccount"


def counts_as(user: UserInfo, cluster: str) -> Sequence[UserInfo]:
    """The identities that a user has in a logical cluster; what any of them may do, the user may do.

    A service account is itself in its own logical cluster only; everywhere it is also the user
    ``system:kcp:serviceaccount:<cluster>:<namespace>:<name>``, to which others can grant rights. Out of scope a user is
    nobody in particular.
    """
    if not user.extra:
        # A service account without a home is none: its name alone says nothing about which one it is.
        return (stranger(user, cluster),) if split_user_name(user.name) is not None else (user,)
    if not in_scope(user, cluster):
        return (stranger(user, cluster),)
    account = split_user_name(user.name)
    if account is None:
        return (user,)
    homes = user.extra.get(CLUSTER_EXTRA, ())
    home = homes[0] if len(homes) == 1 else ""
    if not home:
        return (stranger(user, cluster),)
    known_as = UserInfo(":".join((_FOREIGN_ACCOUNT, home, *account)), groups=stranger(user, cluster).groups)
    return (user, known_as) if home == cluster else (known_as,)


def is_local_account(user: UserInfo, cluster: str) -> bool:
    """Whether the user is a service account of this logical cluster."""
    return split_user_name(user.name) is not None and user.extra.get(CLUSTER_EXTRA) == (cluster,)


def in_scope(user: UserInfo, cluster: str) -> bool:
    """Whether each of the user's scopes admits the logical cluster. Values are alternatives joined by commas."""
    wanted = _SCOPE_PREFIX + cluster
    return all(wanted in scope.split(",") for scope in user.extra.get(SCOPES_EXTRA, ()))


def scoped(requestor: UserInfo, target: UserInfo, cluster: str) -> UserInfo:
    """An impersonated identity, as far as the requestor could give it away: only where it was taken on.

    Service accounts impersonated in a logical cluster are those of that logical cluster.
    """
    if PRIVILEGED_GROUP in requestor.groups:
        return target
    extra = dict(target.extra)
    extra[SCOPES_EXTRA] = (*requestor.extra.get(SCOPES_EXTRA, ()), _SCOPE_PREFIX + cluster)
    if split_user_name(target.name) is not None:
        extra[CLUSTER_EXTRA] = (cluster,)
    return replace(target, extra=extra)


def stranger(user: UserInfo, cluster: str) -> UserInfo:
    """Someone who is authenticated, and no more is known."""
    known = ALL_AUTHENTICATED in user.groups
    return UserInfo(ANONYMOUS, groups=(ALL_AUTHENTICATED, f"system:cluster:{cluster}") if known else user.groups)


def as_consumer(user: UserInfo, home: str = "") -> UserInfo:
    """How the maximal permission policy of an export names a user."""
    account = split_user_name(user.name)
    name = user.name
    groups = user.groups
    if account is not None and home:
        name = ":".join((_FOREIGN_ACCOUNT, home, *account))
        groups = tuple(group for group in groups if group not in account_groups(account[0]))
    return UserInfo(SUBJECT_PREFIX + name, groups=tuple(SUBJECT_PREFIX + group for group in groups))
