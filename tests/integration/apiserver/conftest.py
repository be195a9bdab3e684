"""A real API server in this process, spoken to as HTTP clients do, and kubectl against it where there is one."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headwater.apiserver.admission.interface import AdmissionPlugin
from headwater.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.union import AlwaysAllowGroups
from headwater.apiserver.builtin.kinds import CORE_RESOURCES, WORKLOAD_RESOURCES, builtin_resources
from headwater.apiserver.customresources.catalog import CRDCatalog
from headwater.apiserver.filters.chain import ChainSettings
from headwater.apiserver.server import APIServer, APIServerConfig
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.base.clock import SystemClock
from headwater.client.interface import Transport
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry.metrics import Registry

Object = dict[str, Any]
ADMIN = UserInfo("admin", groups=("system:masters",))
JSON = "application/json"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class Everyone:
    """Takes whoever comes for the administrator; who may do what is tested elsewhere."""

    async def authenticate(self, request: Request) -> UserInfo | None:
        return ADMIN


async def cluster_of_path(request: Request, following: Handler) -> AnyResponse:
    """`/clusters/<name>/...` names a logical cluster, as on a control plane."""
    _, first, name, rest = f"{request.path}//".split("/", 3)
    if first == "clusters":
        request.cluster, request.path = name, f"/{rest.rstrip('/')}"
    return await following(request)


@dataclass
class Reply:
    """An answer: status, decoded body (None for an empty one), raw body, headers by lower-case name."""

    status: int
    body: Any
    raw: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])


class Api:
    """Speaks HTTP to a server in this process."""

    def __init__(self, server: APIServer, backend: Backend) -> None:
        self.server = server
        self.backend = backend
        self.transport: Transport = server.loopback(ADMIN)

    async def call(
        self, method: str, path: str, body: Any = None, *, accept: str = JSON, content: str = JSON, **query: str
    ) -> Reply:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"accept": accept, "content-type": content, "user-agent": "tester/1.0"}
        answer = await self.transport.request(method, path, query=list(query.items()), headers=headers, body=raw)
        answered = {name.lower(): value for name, value in answer.headers.items()}
        decoded = json.loads(answer.body) if answer.body and "json" in answered.get("content-type", "") else None
        return Reply(answer.status, decoded, answer.body, answered)

    async def get(self, path: str, **options: str) -> Reply:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any, **options: str) -> Reply:
        return await self.call("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: str) -> Reply:
        return await self.call("PUT", path, body, **options)

    async def delete(self, path: str, body: Any = None, **options: str) -> Reply:
        return await self.call("DELETE", path, body, **options)

    async def merge(self, path: str, patch: Any, **options: str) -> Reply:
        return await self.call("PATCH", path, patch, content="application/merge-patch+json", **options)

    async def apply(self, path: str, config: Any, manager: str = "tester", **options: str) -> Reply:
        return await self.call(
            "PATCH", path, config, content="application/apply-patch+yaml", fieldManager=manager, **options
        )

    async def create(self, path: str, body: Any, **options: str) -> Object:
        """The created object; anything but 201 fails the test."""
        reply = await self.post(path, body, **options)
        assert reply.status == 201, reply.body
        created: Object = reply.body
        return created

    async def watch(self, path: str, *, accept: str = JSON, **query: str) -> list[Object]:
        """All events of a watch that ends by its timeout (a second unless said otherwise)."""
        pairs = [("watch", "true"), *({"timeoutSeconds": "1"} | query).items()]
        stream = await self.transport.stream("GET", path, query=pairs, headers={"accept": accept})
        text = b"".join([chunk async for chunk in stream])
        return [json.loads(line) for line in text.splitlines()]


async def start(
    *, clusters: bool = False, bookmark_seconds: float = 60.0, plugins: tuple[AdmissionPlugin, ...] = ()
) -> Api:
    """A server over an empty store, with the namespace default."""
    backend = open_backend("memory://")
    await backend.open()
    caches, clock = CacheSet(backend), SystemClock()
    filters = ChainSettings(
        authenticator=Everyone(),
        authorizer=AlwaysAllowGroups(),
        metrics=Registry(),
        clock=clock,
        rewrite=(cluster_of_path,) if clusters else (),
    )
    server = APIServer(
        APIServerConfig(
            backend=backend,
            caches=caches,
            clock=clock,
            catalog=CRDCatalog(builtin_resources([*CORE_RESOURCES, *WORKLOAD_RESOURCES]), caches),
            filters=filters,
            admission=(NamespaceLifecycle(caches), *plugins),
            clusters=clusters,
            bookmark_seconds=bookmark_seconds,
        )
    )
    api = Api(server, backend)
    if not clusters:
        await api.create("/api/v1/namespaces", {"metadata": {"name": "default"}})
    return api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """A server without logical clusters."""
    api = await start()
    yield api
    await api.backend.close()


@pytest.fixture
async def clustered() -> AsyncIterator[Api]:
    """A server whose paths name logical clusters."""
    api = await start(clusters=True)
    yield api
    await api.backend.close()


@dataclass
class Outcome:
    """What a command printed."""

    code: int
    out: str
    err: str


class Kubectl:
    """Runs kubectl against a server in this process."""

    def __init__(self, port: int, home: Path) -> None:
        self._base = [
            "kubectl",
            "--kubeconfig=/dev/null",
            f"--cache-dir={home}",
            f"--server=http://127.0.0.1:{port}",
        ]

    async def run(self, *arguments: str, stdin: Any = None) -> Outcome:
        text = None if stdin is None else (stdin if isinstance(stdin, str) else json.dumps(stdin)).encode()
        process = await asyncio.create_subprocess_exec(
            *self._base,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if text is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(text), 60)
        return Outcome(process.returncode or 0, out.decode(), err.decode())

    async def __call__(self, *arguments: str, stdin: Any = None) -> str:
        """Standard output of a command that must succeed."""
        outcome = await self.run(*arguments, stdin=stdin)
        assert outcome.code == 0, outcome.err
        return outcome.out


if shutil.which("kubectl") is not None:

    @pytest.fixture
    async def kubectl(api: Api, tmp_path: Path) -> AsyncIterator[Kubectl]:
        """kubectl, with the server on a port of the loopback interface."""
        web = WebServer(api.server.handler, ssl_context=None)
        port = await web.start()
        yield Kubectl(port, tmp_path)
        await web.stop(grace=0)
