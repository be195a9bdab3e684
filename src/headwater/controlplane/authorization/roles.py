"""RBAC of a logical cluster: its own roles and bindings, joined by those of ``system:admin`` that hold everywhere."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.authz.rbac import RBACAuthorizer
from headwater.apiserver.authz.rolesource import RoleSource
from headwater.apiserver.authz.rules import Rule
from headwater.machinery.objects import Object

ADMIN_CLUSTER: Final = "system:admin"


class LocalRoles:
    """The bindings of a logical cluster. ClusterRoles that it doesn't have itself come from ``system:admin``."""

    def __init__(self, source: RoleSource) -> None:
        self._source = source

    def generation(self, cluster: str) -> Hashable:
        return self._source.generation(cluster), self._source.generation(ADMIN_CLUSTER)

    def cluster_role_bindings(self, cluster: str) -> Sequence[Object]:
        return self._source.cluster_role_bindings(cluster)

    def role_bindings(self, cluster: str, namespace: str) -> Sequence[Object]:
        return self._source.role_bindings(cluster, namespace)

    def cluster_role(self, cluster: str, name: str) -> Object | None:
        return self._source.cluster_role(cluster, name) or self._source.cluster_role(ADMIN_CLUSTER, name)

    def role(self, cluster: str, namespace: str, name: str) -> Object | None:
        return self._source.role(cluster, namespace, name)


class ClusterRBAC:
    """Answers from the rights in the logical cluster, and from those that are granted for all logical clusters."""

    def __init__(self, source: RoleSource) -> None:
        self._everywhere = RBACAuthorizer(source)
        self._local = RBACAuthorizer(LocalRoles(source))

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return self.decide(attributes)

    def decide(self, attributes: Attributes) -> tuple[Decision, str]:
        """The same without waiting."""
        decision, reason = self._everywhere.decide(attributes._replace(cluster=ADMIN_CLUSTER, namespace=""))
        if decision is Decision.ALLOW or not attributes.cluster or attributes.cluster == ADMIN_CLUSTER:
            return decision, reason
        return self._local.decide(attributes)

    def rules_for(self, user: UserInfo, cluster: str, namespace: str) -> tuple[list[Rule], list[str]]:
        """All rules that apply to a user, and what could not be resolved."""
        rules, problems = self._everywhere.rules_for(user, ADMIN_CLUSTER, "")
        if cluster and cluster != ADMIN_CLUSTER:
            local, local_problems = self._local.rules_for(user, cluster, namespace)
            return [*rules, *local], [*problems, *local_problems]
        return rules, problems
