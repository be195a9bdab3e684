"""Lets a user act as another one, when every part of that other identity is theirs to take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import unquote

from headwater.apiserver.authn.interface import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    PRIVILEGED_GROUP,
    UserInfo,
)
from headwater.apiserver.authn.serviceaccounts import account_groups, split_user_name
from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision
from headwater.apiserver.filters.authorization import forbidden_error
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery.errors import BadRequest, Forbidden

_PREFIX: Final = "impersonate-"
_EXTRA_PREFIX: Final = "impersonate-extra-"
_AUTHENTICATION_GROUP: Final = "authentication.k8s.io"

Adjust = Callable[[Request, UserInfo, UserInfo], UserInfo]


class ImpersonationFilter:
    """Reads the Impersonate-* headers. Each name, group, uid and extra value needs the verb `impersonate`.

    `protected_groups` (a trailing * matches any ending) can be taken only by those who are in them already or in
    system:masters, whatever rights they hold: else a wildcard rule in one logical cluster would open all others.
    `adjust(request, requestor, target)` may narrow the identity that results.
    """

    def __init__(
        self,
        authorizer: Authorizer,
        *,
        protected_groups: Sequence[str] = (PRIVILEGED_GROUP,),
        protected_extras: Sequence[str] = (),
        adjust: Adjust | None = None,
    ) -> None:
        self._authorizer = authorizer
        self._protected_groups = tuple(protected_groups)
        self._protected_extras = tuple(protected_extras)
        self._adjust = adjust

    def __call__(self, request: Request, following: Handler) -> Awaitable[AnyResponse]:
        # One search through all names, since nearly no request has such a header.
        if _PREFIX not in " ".join(request.headers):
            return following(request)
        return self._as_another(request, following)

    async def _as_another(self, request: Request, following: Handler) -> AnyResponse:
        requestor = request.user
        request.user = await self._impersonated(request)
        request.extras["requestor"] = requestor
        return await following(request)

    async def _impersonated(self, request: Request) -> UserInfo:
        headers, requestor = request.headers, request.user
        user_name = headers.get("impersonate-user", "")
        if not user_name:
            raise BadRequest("impersonating groups, a uid or extra fields requires impersonating a user")
        groups = tuple(headers.get_all("impersonate-group"))
        uid = headers.get("impersonate-uid", "")
        extra = _extra_of(request)
        self._refuse_protected(requestor, groups, extra)
        for question in _questions(requestor, request.cluster, user_name, groups, uid, extra):
            decision, reason = await self._authorizer.authorize(question)
            if decision is not Decision.ALLOW:
                raise forbidden_error(question, reason)
        target = UserInfo(user_name, uid, _complete_groups(user_name, groups), extra)
        return self._adjust(request, requestor, target) if self._adjust is not None else target

    def _refuse_protected(self, requestor: UserInfo, groups: Sequence[str], extra: dict[str, tuple[str, ...]]) -> None:
        if PRIVILEGED_GROUP in requestor.groups:
            return
        for group in groups:
            if _matches(group, self._protected_groups) and group not in requestor.groups:
                raise Forbidden("impersonation is not allowed for the requestor")
        for key in extra:
            if _matches(key, self._protected_extras):
                raise Forbidden("impersonation is not allowed for the requestor")


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return any(value.startswith(p[:-1]) if p.endswith("*") else value == p for p in patterns)


def _extra_of(request: Request) -> dict[str, tuple[str, ...]]:
    # Header names are lower case on arrival; what a key needs beyond that is percent-encoded.
    return {
        unquote(name[len(_EXTRA_PREFIX) :]): tuple(request.headers.get_all(name))
        for name in request.headers
        if name.startswith(_EXTRA_PREFIX) and len(name) > len(_EXTRA_PREFIX)
    }


def _questions(
    requestor: UserInfo, cluster: str, user: str, groups: Sequence[str], uid: str, extra: dict[str, tuple[str, ...]]
) -> list[Attributes]:
    account = split_user_name(user)
    if account is not None:
        namespace, name = account
        first = Attributes(
            requestor, "impersonate", cluster, version="v1", resource="serviceaccounts", namespace=namespace, name=name
        )
    else:
        first = Attributes(requestor, "impersonate", cluster, version="v1", resource="users", name=user)
    groups_asked = [
        Attributes(requestor, "impersonate", cluster, version="v1", resource="groups", name=group) for group in groups
    ]
    uids_asked = [_about_user(requestor, cluster, "uids", "", uid)] if uid else []
    extras_asked = [
        _about_user(requestor, cluster, "userextras", key, value) for key, values in extra.items() for value in values
    ]
    return [first, *groups_asked, *uids_asked, *extras_asked]


def _about_user(requestor: UserInfo, cluster: str, resource: str, subresource: str, name: str) -> Attributes:
    return Attributes(requestor, "impersonate", cluster, _AUTHENTICATION_GROUP, "v1", resource, subresource, name=name)


def _complete_groups(user: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    if user == ANONYMOUS:
        return groups if ALL_UNAUTHENTICATED in groups else (*groups, ALL_UNAUTHENTICATED)
    account = split_user_name(user)
    if account is not None and not groups:
        groups = account_groups(account[0])
    if ALL_AUTHENTICATED in groups or ALL_UNAUTHENTICATED in groups:
        return groups
    return (*groups, ALL_AUTHENTICATED)
