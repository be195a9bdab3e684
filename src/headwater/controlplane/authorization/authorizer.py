"""The authorizer of a control plane: kcp's chain, link by link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apiserver.authn.accounts import CLUSTER_EXTRA
from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.authz.rules import Rule
from headwater.apiserver.authz.union import HEALTH_PATHS, AlwaysAllowPaths
from headwater.controlplane.authorization.access import NOT_PERMITTED, WorkspaceAccess
from headwater.controlplane.authorization.identities import as_consumer, counts_as
from headwater.controlplane.authorization.roles import ClusterRBAC
from headwater.controlplane.binding.bound import BoundResource
from headwater.controlplane.clusters.filters import SERVICES_PREFIX
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import objects
from headwater.machinery.logicalcluster import ROOT

METRICS_PATH: Final = "/metrics"
_SYSTEM_WRITTEN: Final = frozenset({"apibindings", "apiexports", "apiexportendpointslices"})
_READ_VERBS: Final = frozenset({"get", "list", "watch"})

BoundLookup = Callable[[str, str, str], BoundResource | None]
"""Where a bound (cluster, group, resource) comes from."""


class ControlPlaneAuthorizer:
    """Privileged groups and health checks pass; others need access to the logical cluster, a role in it, and for bound
    APIs no objection of the exporter.

    Virtual workspaces authorize for themselves, so their URLs pass too.
    """

    def __init__(self, state: ControlPlaneObjects, rbac: ClusterRBAC, bound: BoundLookup) -> None:
        self._state = state
        self._rbac = rbac
        self._bound = bound
        self._access = WorkspaceAccess(state.clusters, rbac.decide)
        self._paths = AlwaysAllowPaths((*HEALTH_PATHS, *(f"{path}/*" for path in HEALTH_PATHS)))

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        if PRIVILEGED_GROUP in attributes.user.groups:
            return Decision.ALLOW, ""
        if not attributes.is_resource:
            if attributes.path.startswith(SERVICES_PREFIX):
                return Decision.ALLOW, "virtual workspaces authorize by themselves"
            decision, reason = await self._paths.authorize(attributes)
            if decision is Decision.ALLOW:
                return decision, reason
        if not attributes.cluster:
            return self._without_cluster(attributes)
        refusal = NOT_PERMITTED
        for user in counts_as(attributes.user, attributes.cluster):
            problem = self._access.check(user, attributes.cluster)
            if problem is None:
                decision, reason = self._inside(attributes._replace(user=user), attributes.user)
                if decision is Decision.ALLOW:
                    return decision, reason
                refusal = reason
            else:
                refusal = problem
        return Decision.DENY, refusal

    async def allowed(self, attributes: Attributes) -> bool:
        """Whether RBAC of the logical cluster allows it, be the logical cluster open to the user or not."""
        if PRIVILEGED_GROUP in attributes.user.groups:
            return True
        return any(
            self._rbac.decide(attributes._replace(user=user))[0] is Decision.ALLOW
            for user in counts_as(attributes.user, attributes.cluster)
        )

    def rules_for(self, user: UserInfo, cluster: str, namespace: str) -> tuple[list[Rule], list[str]]:
        """All rules that apply to a user in a logical cluster, and what could not be resolved."""
        rules: list[Rule] = []
        problems: list[str] = []
        for identity in counts_as(user, cluster):
            found, unresolved = self._rbac.rules_for(identity, cluster, namespace)
            rules.extend(found)
            problems.extend(unresolved)
        return rules, problems

    def _without_cluster(self, attributes: Attributes) -> tuple[Decision, str]:
        if attributes.path == METRICS_PATH:
            return self._rbac.decide(attributes._replace(cluster=ROOT))
        return self._rbac.decide(attributes)

    def _inside(self, attributes: Attributes, original: UserInfo) -> tuple[Decision, str]:
        if attributes.is_resource:
            if _is_system_written(attributes):
                return Decision.DENY, "status is written by the system only"
            objection = self._objection(attributes, original)
            if objection:
                return Decision.DENY, objection
        return self._rbac.decide(attributes)

    def _objection(self, attributes: Attributes, original: UserInfo) -> str:
        """Why the owner of a bound API does not let its consumers do this; empty when they may."""
        bound = self._bound(attributes.cluster, attributes.group, attributes.resource)
        if bound is None:
            return ""
        export = self._state.exports.get(bound.cluster, bound.export)
        if export is None or objects.nested(export, "spec", "maximalPermissionPolicy", "local") is None:
            return ""
        home = original.extra.get(CLUSTER_EXTRA, ("",))[0]
        consumer = as_consumer(attributes.user, home)
        decision, _ = self._rbac.decide(attributes._replace(user=consumer, cluster=bound.cluster))
        if decision is Decision.ALLOW:
            return ""
        path = self._state.clusters.path_of(bound.cluster)
        return f"denied by the maximal permission policy of APIExport {path}:{bound.export}"


def _is_system_written(attributes: Attributes) -> bool:
    return (
        attributes.group == APIS_GROUP
        and attributes.subresource == "status"
        and attributes.resource in _SYSTEM_WRITTEN
        and attributes.verb not in _READ_VERBS
    )
