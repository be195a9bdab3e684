"""RBAC rules as values: which request a rule matches, and whether one set of rules covers another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.machinery.fieldpath import quote
from headwater.machinery.objects import Object

ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule. Empty `resource_names` stands for every name."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def parse(cls, rule: Object) -> Rule:
        """Reads a rule of a Role or ClusterRole; lists that are absent or null are empty."""
        return cls(
            tuple(rule.get("verbs") or ()),
            tuple(rule.get("apiGroups") or ()),
            tuple(rule.get("resources") or ()),
            tuple(rule.get("resourceNames") or ()),
            tuple(rule.get("nonResourceURLs") or ()),
        )

    def to_object(self) -> Object:
        """The rule as it stands in an API object, without empty lists."""
        lists = {
            "verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources,
            "resourceNames": self.resource_names, "nonResourceURLs": self.urls,
        }  # fmt: skip
        return {key: list(values) for key, values in lists.items() if values}

    def allows(self, attributes: Attributes) -> bool:
        """Whether the rule matches a request."""
        verbs = self.verbs
        if attributes.verb not in verbs and ALL not in verbs:
            return False
        if not attributes.is_resource:
            return any(_url_matches(pattern, attributes.path) for pattern in self.urls)
        if attributes.group not in self.groups and ALL not in self.groups:
            return False
        if not _resource_matches(self.resources, attributes.resource, attributes.subresource):
            return False
        return not self.resource_names or attributes.name in self.resource_names

    def __str__(self) -> str:
        lists = (
            ("APIGroups", self.groups), ("Resources", self.resources), ("NonResourceURLs", self.urls),
            ("ResourceNames", self.resource_names), ("Verbs", self.verbs),
        )  # fmt: skip
        return "{" + ", ".join(f"{n}:[{' '.join(map(quote, values))}]" for n, values in lists if values) + "}"


class RuleResolver(Protocol):
    """Lists the rules that apply to a user; RBACAuthorizer is one."""

    def rules_for(self, user: UserInfo, cluster: str, namespace: str) -> tuple[list[Rule], list[str]]:
        """The rules of a user in a namespace ("" for cluster-wide ones only), and what could not be resolved."""
        ...


def parse_rules(role: Object) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole."""
    return tuple(Rule.parse(rule) for rule in role.get("rules") or ())


def _resource_matches(patterns: Sequence[str], resource: str, subresource: str) -> bool:
    if ALL in patterns:
        return True
    if not subresource:
        return resource in patterns
    return f"{resource}/{subresource}" in patterns or f"*/{subresource}" in patterns


def _url_matches(pattern: str, path: str) -> bool:
    if pattern in (ALL, path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def uncovered(owned: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The elementary rights in `wanted` that `owned` does not give; those that differ by verb only are one rule."""
    owned = tuple(owned)
    missing = [part for rule in wanted for part in _elementary(rule) if not any(_covers(o, part) for o in owned)]
    verbs: dict[Rule, list[str]] = {}
    for part in missing:
        rest = Rule((), part.groups, part.resources, part.resource_names, part.urls)
        known = verbs.setdefault(rest, [])
        known.extend(verb for verb in part.verbs if verb not in known)
    joined = (Rule(tuple(v), r.groups, r.resources, r.resource_names, r.urls) for r, v in verbs.items())
    return sorted(joined, key=str)


def _elementary(rule: Rule) -> list[Rule]:
    """One verb on one resource (and name), or on one URL, each."""
    parts = [Rule((verb,), urls=(url,)) for url, verb in product(rule.urls, rule.verbs)]
    names: tuple[str | None, ...] = rule.resource_names or (None,)
    for group, resource, verb, name in product(rule.groups, rule.resources, rule.verbs, names):
        parts.append(Rule((verb,), (group,), (resource,), () if name is None else (name,)))
    return parts


def _covers(owned: Rule, part: Rule) -> bool:
    if ALL not in owned.verbs and part.verbs[0] not in owned.verbs:
        return False
    if part.urls:
        return any(_url_matches(pattern, part.urls[0]) for pattern in owned.urls)
    if ALL not in owned.groups and part.groups[0] not in owned.groups:
        return False
    resource, _, subresource = part.resources[0].partition("/")
    if part.resources[0] not in owned.resources and not _resource_matches(owned.resources, resource, subresource):
        return False
    return not owned.resource_names or (bool(part.resource_names) and part.resource_names[0] in owned.resource_names)
