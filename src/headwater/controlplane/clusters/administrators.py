"""Who administers the whole control plane, and may know which logical clusters there are. Pure."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo

KCP_ADMIN_GROUP: Final = "system:kcp:admin"


def may_know_paths(user: UserInfo) -> bool:
    """Whether the user is told that a path leads nowhere. Others can't tell it from a path that they may not enter."""
    return not {PRIVILEGED_GROUP, KCP_ADMIN_GROUP}.isdisjoint(user.groups)
