"""Keeps people from granting rights that they don't have themselves, by roles or by bindings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision
from headwater.apiserver.authz.rbac import resolve_role
from headwater.apiserver.authz.rolesource import GROUP, RoleSource
from headwater.apiserver.authz.rules import ALL, Rule, RuleResolver, parse_rules, uncovered
from headwater.machinery import errors
from headwater.machinery.fieldpath import quote
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object

_ROLES: Final = frozenset({"roles", "clusterroles"})
_BINDINGS: Final = frozenset({"rolebindings", "clusterrolebindings"})
_EVERYTHING: Final = (Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), urls=(ALL,)))


class RoleEscalationPlugin(BasePlugin):
    """Admission for roles and bindings.

    Writing rules needs every right in them, or the verb `escalate` on the role; binding a role needs every right in it,
    or the verb `bind` on it. Members of system:masters have every right. Writes that leave the rules (or the reference
    and the subjects) as they are need nothing.
    """

    name = "RoleEscalation"

    def __init__(self, resolver: RuleResolver, source: RoleSource, authorizer: Authorizer) -> None:
        self._resolver = resolver
        self._source = source
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return (
            attributes.info.group == GROUP
            and attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
            and attributes.info.resource in (_ROLES | _BINDINGS)
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or PRIVILEGED_GROUP in attributes.user.groups:
            return
        if attributes.info.resource in _ROLES:
            await self._check_role(attributes, obj)
        else:
            await self._check_binding(attributes, obj)

    async def _check_role(self, attributes: AdmissionAttributes, role: Object) -> None:
        old = attributes.old_object
        if old is not None and _same(old, role, "rules") and _same(old, role, "aggregationRule"):
            return
        if await self._may(attributes, "escalate", attributes.info.resource, attributes.name):
            return
        wanted = parse_rules(role)
        if role.get("aggregationRule") is not None:
            # What it will hold is up to others, so it takes the right to everything.
            wanted = _EVERYTHING
        self._confirm(attributes, wanted)

    async def _check_binding(self, attributes: AdmissionAttributes, binding: Object) -> None:
        old = attributes.old_object
        if old is not None and _same(old, binding, "roleRef") and _same(old, binding, "subjects"):
            return
        reference = binding.get("roleRef") or {}
        kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
        resource = "clusterroles" if kind == "ClusterRole" else "roles"
        if await self._may(attributes, "bind", resource, name):
            return
        wanted, problem = resolve_role(self._source, attributes.cluster, attributes.namespace, kind, name)
        if problem:
            raise errors.NotFound(problem, details={"group": GROUP, "kind": resource, "name": name})
        self._confirm(attributes, wanted)

    async def _may(self, attributes: AdmissionAttributes, verb: str, resource: str, name: str) -> bool:
        namespace = attributes.namespace if resource == "roles" or attributes.info.namespaced else ""
        question = Attributes(
            attributes.user, verb, attributes.cluster, GROUP, "v1", resource, namespace=namespace, name=name
        )
        decision, _ = await self._authorizer.authorize(question)
        return decision is Decision.ALLOW

    def _confirm(self, attributes: AdmissionAttributes, wanted: Sequence[Rule]) -> None:
        user = attributes.user
        owned, problems = self._resolver.rules_for(user, attributes.cluster, attributes.namespace)
        missing = uncovered(owned, wanted)
        if missing:
            raise _refusal(attributes, user, missing, problems)


def _same(old: Object, new: Object, field: str) -> bool:
    return (old.get(field) or None) == (new.get(field) or None)


def _refusal(
    attributes: AdmissionAttributes, user: UserInfo, missing: Sequence[Rule], problems: Sequence[str]
) -> errors.StatusError:
    groups = " ".join(map(quote, user.groups))
    rights = "\n".join(map(str, missing))
    who = f"user {quote(user.name)} (groups=[{groups}])"
    message = f"{who} is attempting to grant RBAC permissions not currently held:\n{rights}"
    if problems:
        message += f"; resolution errors: [{', '.join(problems)}]"
    return errors.forbidden(GroupResource(GROUP, attributes.info.resource), attributes.name, message)
