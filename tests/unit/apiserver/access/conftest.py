"""A whole API server in memory, with the filters, roles and reviews of a real one, and identities to try it with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headwater.apiserver.authn.accounts import CacheLookup, ServiceAccountAuthenticator
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.statictokens import StaticTokens
from headwater.apiserver.authn.tokens import SigningKey, TokenIssuer
from headwater.apiserver.authn.union import BearerTokenAuthenticator, UnionAuthenticator, UnionTokenAuthenticator
from headwater.apiserver.authz import bootstrap
from headwater.apiserver.authz.escalation import RoleEscalationPlugin
from headwater.apiserver.authz.rbac import RBACAuthorizer
from headwater.apiserver.authz.rolesource import CacheRoleSource
from headwater.apiserver.authz.union import AlwaysAllowGroups, AlwaysAllowPaths, UnionAuthorizer
from headwater.apiserver.builtin.kinds import CORE_RESOURCES, builtin_resources
from headwater.apiserver.catalog import StaticCatalog
from headwater.apiserver.certificates import signing_key_files
from headwater.apiserver.filters.chain import ChainSettings
from headwater.apiserver.reviews.resources import review_resources, with_token_subresource
from headwater.apiserver.reviews.tokenrequest import TokenRequest
from headwater.apiserver.server import LOCAL_CLUSTER, APIServer, APIServerConfig
from headwater.apiserver.systemroutes import SystemRoutes
from headwater.apiserver.web.types import Headers, Query, Request, Response
from headwater.base import jsonio
from headwater.base.clock import SystemClock
from headwater.client.interface import RawResponse
from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.metrics import Registry

ISSUER = "https://kubernetes.default.svc"
RBAC_PATH = "/apis/rbac.authorization.k8s.io/v1"
TOKENS = {
    "alice": UserInfo("alice", groups=("team-a",)),
    "bob": UserInfo("bob"),
    "root": UserInfo("root", groups=("system:masters",)),
}


class Server:
    """The server, and requests to it as somebody."""

    def __init__(self, backend: MemoryBackend, key: SigningKey) -> None:
        clock = SystemClock()
        caches = CacheSet(backend)
        self.health = HealthChecks()
        self.metrics = Registry()
        self.source = CacheRoleSource(caches)
        rbac = RBACAuthorizer(self.source)
        authorizer = UnionAuthorizer([AlwaysAllowGroups(), AlwaysAllowPaths(), rbac])
        issuer = TokenIssuer(key, issuer=ISSUER, clock=clock, default_cluster=LOCAL_CLUSTER)
        lookup = CacheLookup(caches)
        tokens = UnionTokenAuthenticator(
            [StaticTokens(TOKENS.items()), ServiceAccountAuthenticator(issuer, lookup, clock=clock)]
        )
        resources = builtin_resources([*CORE_RESOURCES, ("", "pods")])
        resources = [
            with_token_subresource(info, TokenRequest(issuer, lookup)) if info.resource == "serviceaccounts" else info
            for info in resources
        ]
        reviews = review_resources(authorizer=authorizer, resolver=rbac, tokens=tokens, audience=ISSUER)
        routes = SystemRoutes(health=self.health, metrics=self.metrics, paths=lambda: ("/api",), issuer=issuer)
        self.api = APIServer(
            APIServerConfig(
                backend=backend,
                caches=caches,
                clock=clock,
                catalog=StaticCatalog([*resources, *reviews]),
                filters=ChainSettings(
                    authenticator=UnionAuthenticator([BearerTokenAuthenticator(tokens)]),
                    authorizer=authorizer,
                    metrics=self.metrics,
                    clock=clock,
                ),
                admission=[RoleEscalationPlugin(rbac, self.source, authorizer)],
                routes=routes.routes(),
            )
        )
        self.system = self.api.loopback()

    async def open(self) -> None:
        await self.source.open()
        for role in bootstrap.cluster_roles():
            await self.must("POST", f"{RBAC_PATH}/clusterroles", role)
        for binding in bootstrap.cluster_role_bindings():
            await self.must("POST", f"{RBAC_PATH}/clusterrolebindings", binding)

    async def must(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the system itself, which has to work."""
        answer: RawResponse = await self.system.request(
            method, path, headers={"content-type": "application/json"}, body=jsonio.dumps(body) if body else b""
        )
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    async def send(
        self, who: str, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """A request with the token of somebody ("" for nobody); the status and the decoded body, or its text."""
        path, _, query = target.partition("?")
        sent = {"content-type": "application/json", **(headers or {})}
        if who:
            sent["authorization"] = f"Bearer {who}"

        async def read(limit: int) -> bytes:
            return jsonio.dumps(body) if body is not None else b""

        response = await self.api.handler(
            Request(method, path, query=Query(query), headers=Headers(sent), read_body=read, target=target)
        )
        assert isinstance(response, Response)
        data = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return response.status, json.loads(data) if response.content_type.startswith("application/j") else data.decode()


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """An RSA key pair for all tests."""
    files = signing_key_files(Path(tmp_path_factory.mktemp("keys")))
    return SigningKey(files.certificate.read_text(), files.key.read_text())


@pytest.fixture
async def server(signing_key: SigningKey) -> AsyncIterator[Server]:
    """A server with the default roles."""
    backend = MemoryBackend()
    await backend.open()
    made = Server(backend, signing_key)
    await made.open()
    yield made
    await backend.close()
