"""Lets a request pass only when an authorizer allows it; refusals are worded as Kubernetes words them."""

from __future__ import annotations

from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision, attributes_of
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery import errors
from headwater.machinery.errors import Forbidden
from headwater.machinery.fieldpath import quote
from headwater.machinery.gvk import GroupResource


class AuthorizationFilter:
    """Asks about every request, also about plain URLs. Raises Forbidden. The decision is noted for the audit log."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        attributes = attributes_of(request.user, request.cluster, request.info)
        decision, reason = await self._authorizer.authorize(attributes)
        if decision is Decision.ALLOW:
            request.extras["authorization"] = ("allow", reason)
            return await following(request)
        request.extras["authorization"] = ("forbid", reason)
        raise forbidden_error(attributes, reason)


def forbidden_error(attributes: Attributes, reason: str = "") -> Forbidden:
    """The error for a question that was not answered with ALLOW."""
    message = _refusal(attributes)
    if reason:
        message = f"{message}: {reason}"
    group_resource = GroupResource(attributes.group, attributes.resource)
    return errors.forbidden(group_resource, attributes.name, message)


def _refusal(attributes: Attributes) -> str:
    user = quote(attributes.user.name)
    if not attributes.is_resource:
        return f"User {user} cannot {attributes.verb} path {quote(attributes.path)}"
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    scope = f"in the namespace {quote(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    return (
        f"User {user} cannot {attributes.verb} resource {quote(resource)} "
        f"in API group {quote(attributes.group)} {scope}"
    )
