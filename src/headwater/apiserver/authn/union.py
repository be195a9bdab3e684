"""Puts the ways of authenticating together, in the order in which Kubernetes tries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from headwater.apiserver.authn.interface import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    Authenticator,
    TokenAuthenticator,
    UserInfo,
)
from headwater.apiserver.web.types import Request
from headwater.machinery.errors import Unauthorized

ANONYMOUS_USER: Final = UserInfo(ANONYMOUS, groups=(ALL_UNAUTHENTICATED,))
_MAX_TOKEN_LENGTH: Final = 16 * 1024
_MAX_REMEMBERED: Final = 1024


class UnionTokenAuthenticator:
    """Asks each kind of token authenticator until one knows the token."""

    def __init__(self, authenticators: Sequence[TokenAuthenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        for authenticator in self._authenticators:
            user = await authenticator.authenticate_token(token, audiences)
            if user is not None:
                return user
        return None


class BearerTokenAuthenticator:
    """Takes the token out of the Authorization header. A token that nobody knows is an error, not a stranger."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        self._tokens = tokens

    async def authenticate(self, request: Request) -> UserInfo | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return None
        user = await self._tokens.authenticate_token(token) if len(token) <= _MAX_TOKEN_LENGTH else None
        if user is None:
            raise Unauthorized("invalid bearer token")
        return user


class UnionAuthenticator:
    """The first authenticator that knows the caller decides; with `anonymous`, nobody in particular is a user too.

    Everyone who is known belongs to system:authenticated.
    """

    def __init__(self, authenticators: Sequence[Authenticator], *, anonymous: bool = True) -> None:
        self._authenticators = tuple(authenticators)
        self._anonymous = anonymous
        self._completed: dict[int, tuple[UserInfo, UserInfo]] = {}

    async def authenticate(self, request: Request) -> UserInfo | None:
        refused: Unauthorized | None = None
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(request)
            except Unauthorized as error:
                refused = error
                continue
            if user is not None:
                return self._complete(user)
        if refused is not None:
            raise refused
        return ANONYMOUS_USER if self._anonymous else None

    def _complete(self, user: UserInfo) -> UserInfo:
        # Authenticators hand out the same object for the same credential, so the copy is made once. The original is
        # kept beside it: as long as it lives, no other object can have its id.
        known = self._completed.get(id(user))
        if known is not None:
            return known[1]
        if ALL_AUTHENTICATED in user.groups or user.name == ANONYMOUS:
            complete = user
        else:
            complete = replace(user, groups=(*user.groups, ALL_AUTHENTICATED))
        if len(self._completed) >= _MAX_REMEMBERED:
            self._completed.clear()
        self._completed[id(user)] = (user, complete)
        return complete
