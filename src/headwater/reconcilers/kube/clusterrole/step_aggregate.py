"""The rules of an aggregated ClusterRole (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, labels, name


def is_aggregated(role: Object) -> bool:
    """Whether the role's rules are made from other roles."""
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def aggregated_rules(role: Object, others: Sequence[Object]) -> list[Object]:
    """Rules of the roles that the selectors match, by selector and then by name, each rule once; never its own.

    Raises ValueError for an invalid selector.
    """
    rules: list[Object] = []
    by_name = sorted(others, key=name)
    for entry in role["aggregationRule"]["clusterRoleSelectors"]:
        selector = selector_from_label_selector(entry)
        for other in by_name:
            if name(other) == name(role) or not selector.matches(labels(other)):
                continue
            rules.extend(rule for rule in other.get("rules") or [] if rule not in rules)
    return rules
