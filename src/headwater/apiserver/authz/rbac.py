"""Role-based access control: what the roles bound to a user allow, from an index kept for each logical cluster."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.serviceaccounts import account_user_name
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.authz.rolesource import RoleSource
from headwater.apiserver.authz.rules import Rule, parse_rules
from headwater.machinery.objects import Object

_MAX_CLUSTERS: Final = 2048
_MAX_NAMESPACES: Final = 1024
_MAX_ANSWERS: Final = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one subject; `problem` says why a binding gives nothing."""

    rules: tuple[Rule, ...]
    binding: str
    role: str
    subject: str
    problem: str = ""

    @property
    def reason(self) -> str:
        return f"RBAC: allowed by {self.binding} of {self.role} to {self.subject}"


_Index = dict[str, list[Grant]]
_Question = tuple[str, tuple[str, ...], str, str, str, str, str]


@dataclass(slots=True)
class _ClusterIndex:
    """The grants of one logical cluster by subject, as of one generation of its RBAC objects."""

    generation: Hashable
    cluster_wide: _Index
    namespaces: dict[str, _Index] = field(default_factory=dict)
    allowed: dict[_Question, str] = field(default_factory=dict)


class RBACAuthorizer:
    """Answers from roles and bindings; never denies, it only has no opinion.

    An index is compiled when a cluster (or one of its namespaces) is first asked about after a change, and the least
    recently used ones are dropped, so clusters that nobody uses cost nothing.
    """

    def __init__(self, source: RoleSource) -> None:
        self._source = source
        self._clusters: OrderedDict[str, _ClusterIndex] = OrderedDict()

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return self.decide(attributes)

    def decide(self, attributes: Attributes) -> tuple[Decision, str]:
        """The same without waiting."""
        user, verb, cluster, group, _, resource, subresource, namespace, _, _, is_resource = attributes
        index = self._index(cluster)
        question = (user.name, user.groups, verb, group, resource, subresource, namespace)
        if is_resource and question in index.allowed:
            return Decision.ALLOW, index.allowed[question]
        problem = ""
        for grant in self._grants(user, cluster, namespace):
            for rule in grant.rules:
                if rule.allows(attributes):
                    # What a rule allows for every name needs no second search.
                    if is_resource and not rule.resource_names and len(index.allowed) < _MAX_ANSWERS:
                        index.allowed[question] = grant.reason
                    return Decision.ALLOW, grant.reason
            problem = problem or grant.problem
        return Decision.NO_OPINION, f"RBAC: {problem}" if problem else ""

    def rules_for(self, user: UserInfo, cluster: str, namespace: str) -> tuple[list[Rule], list[str]]:
        """All rules that apply to a user in a namespace ("" for cluster-wide only), and what could not be resolved."""
        rules: list[Rule] = []
        problems: list[str] = []
        for grant in self._grants(user, cluster, namespace):
            rules.extend(grant.rules)
            if grant.problem:
                problems.append(grant.problem)
        return rules, problems

    def _grants(self, user: UserInfo, cluster: str, namespace: str) -> Iterator[Grant]:
        index = self._index(cluster)
        yield from _of_user(index.cluster_wide, user)
        if namespace:
            grants = index.namespaces.get(namespace)
            if grants is None:
                if len(index.namespaces) >= _MAX_NAMESPACES:
                    index.namespaces.clear()
                bindings = self._source.role_bindings(cluster, namespace)
                grants = index.namespaces[namespace] = _compile(self._source, cluster, bindings, namespace)
            yield from _of_user(grants, user)

    def _index(self, cluster: str) -> _ClusterIndex:
        generation = self._source.generation(cluster)
        index = self._clusters.get(cluster)
        if index is None or index.generation != generation:
            wide = _compile(self._source, cluster, self._source.cluster_role_bindings(cluster), "")
            index = self._clusters[cluster] = _ClusterIndex(generation, wide)
            if len(self._clusters) > _MAX_CLUSTERS:
                self._clusters.popitem(last=False)
        self._clusters.move_to_end(cluster)
        return index


def _of_user(index: _Index, user: UserInfo) -> Iterator[Grant]:
    if not index:
        return
    yield from index.get("u:" + user.name, ())
    for group in user.groups:
        yield from index.get("g:" + group, ())


def _compile(source: RoleSource, cluster: str, bindings: Iterable[Object], namespace: str) -> _Index:
    index: _Index = {}
    parsed: dict[tuple[str, str], tuple[tuple[Rule, ...], str]] = {}
    for binding in bindings:
        reference = binding.get("roleRef") or {}
        kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
        resolved = parsed.get((kind, name))
        if resolved is None:
            resolved = parsed[(kind, name)] = resolve_role(source, cluster, namespace, kind, name)
        rules, problem = resolved
        for key, subject in _subjects(binding.get("subjects") or (), namespace):
            grant = Grant(rules, _described(binding, namespace), f'{kind} "{name}"', subject, problem)
            index.setdefault(key, []).append(grant)
    return index


def resolve_role(
    source: RoleSource, cluster: str, namespace: str, kind: str, name: str
) -> tuple[tuple[Rule, ...], str]:
    """The rules of the role that a binding refers to, and what is wrong with the reference ("" for nothing)."""
    if kind == "ClusterRole":
        role = source.cluster_role(cluster, name)
    elif kind == "Role" and namespace:
        role = source.role(cluster, namespace, name)
    else:
        return (), f'unsupported role reference kind: "{kind}"'
    if role is None:
        return (), f'{kind.lower()}.rbac.authorization.k8s.io "{name}" not found'
    return parse_rules(role), ""


def _described(binding: Object, namespace: str) -> str:
    name = binding["metadata"]["name"]
    return f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'


def _subjects(subjects: Sequence[Object], namespace: str) -> Iterator[tuple[str, str]]:
    for subject in subjects:
        kind, name = subject.get("kind"), str(subject.get("name", ""))
        if kind == "User":
            yield "u:" + name, f'User "{name}"'
        elif kind == "Group":
            yield "g:" + name, f'Group "{name}"'
        elif kind == "ServiceAccount":
            account_namespace = subject.get("namespace") or namespace
            # Without a namespace a cluster-wide binding names nobody.
            if account_namespace:
                yield "u:" + account_user_name(account_namespace, name), f'ServiceAccount "{name}/{account_namespace}"'
