"""The reviews as served resources, ready to be added to a catalog."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from headwater.apis.kube.schemas import kube_kinds
from headwater.apiserver.authn.interface import TokenAuthenticator
from headwater.apiserver.authz.interface import Authorizer
from headwater.apiserver.authz.rules import RuleResolver
from headwater.apiserver.resources import ResourceInfo, SubresourceHandler
from headwater.apiserver.reviews.access import AccessReview
from headwater.apiserver.reviews.identity import SelfSubjectReview, TokenReview
from headwater.apiserver.reviews.rules import RulesReview


def review_resources(
    *, authorizer: Authorizer, resolver: RuleResolver, tokens: TokenAuthenticator, audience: str = ""
) -> list[ResourceInfo]:
    """All resources of authorization.k8s.io/v1 and authentication.k8s.io/v1."""
    handlers: tuple[SubresourceHandler, ...] = (
        AccessReview("SubjectAccessReview", authorizer, subject=True),
        AccessReview("LocalSubjectAccessReview", authorizer, subject=True, local=True),
        AccessReview("SelfSubjectAccessReview", authorizer, subject=False),
        RulesReview(resolver),
        TokenReview(tokens, audience=audience),
        SelfSubjectReview(),
    )
    return [_resource(handler) for handler in handlers]


def with_token_subresource(service_accounts: ResourceInfo, handler: SubresourceHandler) -> ResourceInfo:
    """The resource of service accounts with its `token` subresource."""
    return replace(service_accounts, connect=MappingProxyType({**service_accounts.connect, "token": handler}))


def _resource(handler: SubresourceHandler) -> ResourceInfo:
    kind = kube_kinds()[handler.kind]
    return ResourceInfo(
        group=kind.group,
        version=kind.version,
        resource=kind.plural,
        kind=kind.kind,
        namespaced=kind.namespaced,
        singular=kind.singular,
        verbs=handler.verbs,
        handler=handler,
        native=True,
        fingerprint=f"review/{kind.kind}",
    )
