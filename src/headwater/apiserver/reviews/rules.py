"""SelfSubjectRulesReview: everything that the caller may do in a namespace, as `kubectl auth can-i --list` shows it."""

from __future__ import annotations

from headwater.apiserver.authz.rules import Rule, RuleResolver
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.reviews.access import GROUP, review
from headwater.machinery.errors import BadRequest
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object


class RulesReview:
    """Answers from roles only: what is allowed to groups or on paths without any role is left out, as in Kubernetes."""

    verbs = ("create",)
    kind = GroupVersionKind(GROUP, "v1", "SelfSubjectRulesReview")

    def __init__(self, resolver: RuleResolver) -> None:
        self._resolver = resolver

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        spec = body.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        namespace = spec.get("namespace")
        if not isinstance(namespace, str) or not namespace:
            raise BadRequest("no namespace on request")
        rules, problems = self._resolver.rules_for(call.user, call.cluster, namespace)
        resource_rules = [_without(rule, "nonResourceURLs") for rule in rules if rule.resources]
        url_rules = [{"verbs": list(rule.verbs), "nonResourceURLs": list(rule.urls)} for rule in rules if rule.urls]
        status: Object = {"resourceRules": resource_rules, "nonResourceRules": url_rules, "incomplete": bool(problems)}
        if problems:
            status["evaluationError"] = ", ".join(problems)
        return review(self.kind, body, spec, status)


def _without(rule: Rule, field: str) -> Object:
    obj = rule.to_object()
    obj.pop(field, None)
    return obj
