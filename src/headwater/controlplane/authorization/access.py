"""Whether a user may enter a logical cluster at all. Pure but for the look-ups it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headwater.apis.tenancy.v1alpha1.workspace import PHASE_SCHEDULING, PHASE_UNAVAILABLE
from headwater.apiserver.authn.interface import ALL_AUTHENTICATED, UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.controlplane.authorization.identities import is_local_account
from headwater.controlplane.clusters.administrators import may_know_paths
from headwater.controlplane.clusters.index import ClusterIndex

ACCESS_VERB: Final = "access"
NOT_PERMITTED: Final = "workspace access not permitted"
NOT_FOUND: Final = "LogicalCluster not found"
ADMIN_GROUPS: Final = frozenset({"system:kcp:logical-cluster-admin", "system:kcp:external-logical-cluster-admin"})
"""Groups of the control plane's own helpers, which no workspace shuts out."""
_CLOSED_PHASES: Final = frozenset({"", PHASE_SCHEDULING, PHASE_UNAVAILABLE})

Decide = Callable[[Attributes], tuple[Decision, str]]


class WorkspaceAccess:
    """The verb ``access`` on the URL ``/``, membership in required groups, and the phase of the logical cluster."""

    def __init__(self, clusters: ClusterIndex, decide: Decide) -> None:
        self._clusters = clusters
        self._decide = decide

    def check(self, user: UserInfo, cluster: str) -> str | None:
        """Why the user may not enter; None when they may. ``user`` is one of the identities of `counts_as`."""
        entry = self._clusters.get(cluster)
        if ALL_AUTHENTICATED not in user.groups and ADMIN_GROUPS.isdisjoint(user.groups):
            return NOT_PERMITTED
        if entry is None:
            return NOT_FOUND if may_know_paths(user) else NOT_PERMITTED
        if not ADMIN_GROUPS.isdisjoint(user.groups):
            return None
        if not has_required_groups(entry.required_groups, user):
            return NOT_PERMITTED
        if not is_local_account(user, cluster):
            decision, _ = self._decide(Attributes(user, ACCESS_VERB, cluster, path="/", is_resource=False))
            if decision is not Decision.ALLOW:
                return NOT_PERMITTED
        # The phase is the last thing to tell: it would give away that the logical cluster exists.
        return f'not permitted due to phase "{entry.phase}"' if entry.phase in _CLOSED_PHASES else None


def has_required_groups(required: str, user: UserInfo) -> bool:
    """Whether the user is in all groups of one of the alternatives: ``a,b;c`` means a and b, or c."""
    if not required:
        return True
    mine = set(user.groups)
    return any(mine.issuperset(each.split(",")) for each in required.split(";"))
