"""Finds the declared rule for a resource of a logical cluster: its binding has it from the export."""

from __future__ import annotations

from functools import lru_cache

from headwater.apis.workload.coordination import (
    COORDINATION_ANNOTATION,
    MAX_BYTES,
    CoordinationRule,
    parse_coordination,
)
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.fleet import BY_CLUSTER, Fleet
from headwater.telemetry.logging import get_logger

log = get_logger("scheduling.coordination")


def rule_in(binding: Object, gvr: GroupVersionResource) -> CoordinationRule | None:
    """The rule of one binding for a resource that is addressed by identity, None when it binds or declares none.

    What can't be read is as if it weren't there; the export's admission says what is wrong.
    """
    text = annotations_of(binding).get(COORDINATION_ANNOTATION)
    resource, _, identity = gvr.resource.partition(":")
    if text is None or not _binds(binding, gvr.group, resource, identity):
        return None
    # What is too long is remembered no longer than it takes to see that.
    rules = _rules_of(text[: MAX_BYTES + 1], f"{cluster_name(binding)}|{name(binding)}")
    return next((rule for rule in rules if (rule.group, rule.resource) == (gvr.group, resource)), None)


@lru_cache(maxsize=1024)
def _rules_of(text: str, binding: str) -> tuple[CoordinationRule, ...]:
    """The rules of one binding. What is wrong with them is logged when they are first read, not for each object."""
    rules, problems = parse_coordination(text)
    if problems:
        log.warning("rules ignored", binding=binding, reason=str(problems[0]))
    return rules


def _binds(binding: Object, group: str, resource: str, identity: str) -> bool:
    return any(
        (bound.get("group", ""), bound["resource"]) == (group, resource)
        and nested(bound, "schema", "identityHash", default="") == identity
        for bound in nested(binding, "status", "boundResources", default=None) or ()
    )


def rule_of(fleet: Fleet, cluster: str, gvr: GroupVersionResource) -> CoordinationRule | None:
    """The rule for a resource, addressed by identity, in a logical cluster."""
    found = (rule_in(binding, gvr) for binding in fleet.bindings.by_index(BY_CLUSTER, cluster))
    return next((rule for rule in found if rule is not None), None)
