"""API servers inside the test process: real handlers, registry and storage, in memory, reached without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.apiserver.builtin.kinds import CORE_RESOURCES, WORKLOAD_RESOURCES, builtin_resources
from headwater.apiserver.customresources.catalog import CRDCatalog
from headwater.apiserver.filters.chain import ChainSettings
from headwater.apiserver.server import APIServer, APIServerConfig
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.base.clock import SystemClock
from headwater.client.dynamic import Client
from headwater.client.interface import Transport
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry.metrics import Registry

_NAMESPACES, _ACCOUNTS, _CONFIG_MAPS = (
    GroupVersionResource("", "v1", each) for each in ("namespaces", "serviceaccounts", "configmaps")
)


class AllowAll:
    """Lets everyone do everything: these tests are not about rights."""

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return Decision.ALLOW, ""


class Nobody:
    """Knows no credentials; the loopback transport brings its user along."""

    async def authenticate(self, request: Request) -> UserInfo | None:
        return None


async def cluster_from_path(request: Request, following: Handler) -> AnyResponse:
    """The least that a control plane does: `/clusters/<name>/...` names a logical cluster."""
    parts = request.path.split("/", 3)
    if len(parts) > 2 and parts[1] == "clusters":
        request.cluster = parts[2]
        request.path = "/" + (parts[3] if len(parts) > 3 else "")
    return await following(request)


class InProcessServer:
    """One API server with all builtin kinds and CRDs."""

    def __init__(self, server: APIServer, backend: Backend) -> None:
        self.server = server
        self.backend = backend
        self.transport: Transport = server.loopback()

    @classmethod
    async def start(cls, *, clusters: bool = False) -> InProcessServer:
        """Start over an empty store."""
        backend = open_backend("memory://")
        await backend.open()
        caches = CacheSet(backend)
        clock = SystemClock()
        catalog = CRDCatalog(builtin_resources([*CORE_RESOURCES, *WORKLOAD_RESOURCES]), caches)
        filters = ChainSettings(
            authenticator=Nobody(),
            authorizer=AllowAll(),
            metrics=Registry(),
            clock=clock,
            rewrite=(cluster_from_path,) if clusters else (),
        )
        config = APIServerConfig(
            backend=backend,
            caches=caches,
            clock=clock,
            catalog=catalog,
            filters=filters,
            clusters=clusters,
        )
        return cls(APIServer(config), backend)

    async def stop(self) -> None:
        """Close the store."""
        await self.transport.close()
        await self.backend.close()


async def eventually(check: Callable[[], Awaitable[Any]], *, seconds: float = 60.0) -> Any:
    """What `check` answers as soon as that is true; asks again while it is not or a StatusError is raised."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer: Any = None
        problem: Exception | None = None
        try:
            answer = await check()
        except (StatusError, AssertionError) as error:
            problem = error
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"still not so after {seconds} s") from problem
        await asyncio.sleep(0.01)


async def at_rest(backend: Backend) -> int:
    """The revision of a store once nobody has written to it for many turns of the loop, in real time too.

    Several looks, as one pause of the machine must not pass for peace.
    """
    seen, looks = backend.revision(), 0
    while looks < 10:
        await asyncio.sleep(0.01)
        looks = looks + 1 if seen == backend.revision() else 0
        seen = backend.revision()
    return seen


async def furnished(client: Client) -> None:
    """Wait until each namespace of a logical cluster has what controllers put there: account and root CA."""

    async def complete() -> bool:
        owners = [
            {each["metadata"].get("namespace", each["metadata"]["name"]) for each in found}
            for found in (
                (await client.resource(_NAMESPACES).list())["items"],
                (await client.resource(_ACCOUNTS).list(field_selector="metadata.name=default"))["items"],
                (await client.resource(_CONFIG_MAPS).list(field_selector="metadata.name=kube-root-ca.crt"))["items"],
            )
        ]
        return bool(owners[0]) and owners[0] == owners[1] == owners[2]

    await eventually(complete)


def config_map(name: str, data: dict[str, str] | None = None, **labels: str) -> Object:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels},
        "data": data or {},
    }


def namespace(name: str) -> Object:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
