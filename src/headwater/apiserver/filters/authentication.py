"""Finds out who sends a request, and refuses credentials that are not valid."""

from __future__ import annotations

from headwater.apiserver.authn.interface import NOBODY, Authenticator
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery.errors import Unauthorized
from headwater.telemetry.metrics import Registry


class AuthenticationFilter:
    """Sets `request.user`. A request that comes with a user was made in this process, and keeps it.

    Raises Unauthorized; the message never says which part of a credential was wrong.
    """

    def __init__(self, authenticator: Authenticator, *, metrics: Registry) -> None:
        self._authenticator = authenticator
        attempts = metrics.counter("authentication_attempts_total", "Authentication attempts by result.", ("result",))
        self._success = attempts.labels("success")
        self._failure = attempts.labels("failure")

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if request.user is NOBODY:
            try:
                user = await self._authenticator.authenticate(request)
            except Unauthorized:
                self._failure.inc()
                raise Unauthorized("Unauthorized") from None
            if user is None:
                self._failure.inc()
                raise Unauthorized("Unauthorized")
            self._success.inc()
            request.user = user
        return await following(request)
