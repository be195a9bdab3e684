"""A chain of all filters around a handler of the test, and requests into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from headwater.apiserver.authn.interface import NOBODY, UserInfo
from headwater.apiserver.authn.statictokens import StaticTokens
from headwater.apiserver.authn.union import BearerTokenAuthenticator, UnionAuthenticator
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.filters.chain import ChainSettings, build_chain
from headwater.apiserver.web.types import AnyResponse, Handler, Headers, Query, Request, Response
from headwater.base.clock import ManualClock
from headwater.telemetry.metrics import Registry

Allowed = Callable[[Attributes], bool]


@dataclass
class Authorizer:
    """Allows what the test's function allows, and remembers every question."""

    allowed: Allowed = lambda attributes: True
    asked: list[Attributes] = field(default_factory=list)

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        self.asked.append(attributes)
        return (Decision.ALLOW, "because") if self.allowed(attributes) else (Decision.NO_OPINION, "")


class Chain:
    """What a test holds in its hands."""

    def __init__(self, handler: Handler | None = None, *, allowed: Allowed = lambda a: True, **settings: Any) -> None:
        self.clock = ManualClock()
        self.metrics = Registry()
        self.authorizer = Authorizer(allowed)
        self.requests: list[Request] = []
        tokens = StaticTokens(
            [
                ("bob-token", UserInfo("bob", groups=("dev",))),
                ("root-token", UserInfo("root", groups=("system:masters",))),
            ]
        )
        authenticator = UnionAuthenticator([BearerTokenAuthenticator(tokens)])
        self._handler = handler
        self.call = build_chain(
            self._record,
            ChainSettings(
                authenticator=authenticator,
                authorizer=self.authorizer,
                metrics=self.metrics,
                clock=self.clock,
                **settings,
            ),
        )

    async def _record(self, request: Request) -> AnyResponse:
        self.requests.append(request)
        return Response(200, b"{}") if self._handler is None else await self._handler(request)

    async def send(
        self,
        target: str = "/api/v1/namespaces/default/configmaps/x",
        *,
        method: str = "GET",
        token: str = "",
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        user: UserInfo = NOBODY,
    ) -> AnyResponse:
        path, _, query = target.partition("?")
        sent = Headers(headers or {})
        if token:
            sent.add("authorization", f"Bearer {token}")
        return await self.call(Request(method, path, query=Query(query), headers=sent, target=target, user=user))


def body_of(response: AnyResponse) -> Any:
    """The decoded body of a whole response."""
    assert isinstance(response, Response)
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


def headers_of(response: AnyResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers}


@pytest.fixture
def chain() -> Chain:
    """A chain that allows everything and answers an empty object."""
    return Chain()
