"""Access checks that admission makes in other logical clusters, on behalf of the user."""

from __future__ import annotations

from typing import Protocol

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.authz.interface import Attributes

SYSTEM_GROUPS = frozenset(
    {
        PRIVILEGED_GROUP,
        "system:kcp:logical-cluster-admin",
        "system:kcp:external-logical-cluster-admin",
        "system:kcp:tenancy:workspace-bootstrapper",
    }
)
"""Groups of the control plane itself, which write what users may not."""


class DeepAuthorizer(Protocol):
    """Answers what RBAC of a logical cluster says, whether or not the user has access to the logical cluster."""

    async def allowed(self, attributes: Attributes) -> bool: ...


def is_system(user: UserInfo) -> bool:
    """Whether the user is the control plane itself."""
    return not SYSTEM_GROUPS.isdisjoint(user.groups)


def is_privileged(user: UserInfo) -> bool:
    """Whether the user is in ``system:masters``."""
    return PRIVILEGED_GROUP in user.groups


async def may(
    authorizer: DeepAuthorizer, user: UserInfo, cluster: str, *, verb: str, group: str, resource: str, name: str
) -> bool:
    """Whether the user has the verb on one named object of another logical cluster."""
    return await authorizer.allowed(
        Attributes(user, verb, cluster, group=group, version="*", resource=resource, name=name)
    )
