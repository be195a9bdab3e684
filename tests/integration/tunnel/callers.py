"""Users of a workspace, and a WebSocket client that speaks as kubectl does."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
from tests.integration.syncer.conftest import PLURALS, token_of
from tests.integration.tunnel.ground import Ground

from headwater.base import jsonio
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.errors import AlreadyExists
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
V5 = "v5.channel.k8s.io"


def rule(*resources: str, verbs: Sequence[str]) -> Object:
    return {"apiGroups": [""], "resources": list(resources), "verbs": list(verbs)}


async def account(workspace: Client, name: str, rules: Sequence[Object]) -> str:
    """The token of a service account that may enter its workspace, and do what the rules say."""
    meta = {"name": name}
    await workspace.resource(PLURALS["ServiceAccount"], "default").create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    )
    await workspace.resource(PLURALS["Secret"], "default").create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": f"{name}-token", "annotations": {"kubernetes.io/service-account.name": name}},
        }
    )
    enter = {"nonResourceURLs": ["/"], "verbs": ["access"]}
    await workspace.resource(ROLES).create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": meta,
            "rules": [enter, *rules],
        }
    )
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    try:
        await workspace.resource(ROLE_BINDINGS).create(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": meta,
                "roleRef": reference,
                "subjects": [subject],
            }
        )
    except AlreadyExists:
        pass
    return await token_of(workspace, name, "default")


@dataclass(slots=True)
class Command:
    """What a command has said so far."""

    socket: aiohttp.ClientWebSocketResponse
    output: dict[int, bytes] = field(default_factory=dict)
    closed_with: tuple[int | None, str] = (None, "")

    async def type(self, data: bytes) -> None:
        await self.socket.send_bytes(b"\x00" + data)

    async def end_input(self) -> None:
        await self.socket.send_bytes(b"\xff\x00")

    async def read_until(self, wanted: bytes) -> None:
        while wanted not in self.output.get(1, b""):
            assert await self._next(), f"ended before {wanted!r}: {self.output}"

    async def rest(self) -> None:
        while await self._next():
            pass

    async def _next(self) -> bool:
        message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            channel, data = message.data[0], message.data[1:]
            self.output[channel] = self.output.get(channel, b"") + data
            return True
        code = message.data if isinstance(message.data, int) else self.socket.close_code
        self.closed_with = (code, message.extra or "")
        return False

    @property
    def status(self) -> Object:
        """What the error channel said."""
        found: Object = jsonio.loads(self.output[3])
        return found

    @property
    def code(self) -> int:
        """The exit code."""
        if self.status["status"] == "Success":
            return 0
        return int(self.status["details"]["causes"][0]["message"])


class Caller:
    """Requests to the control plane under one token."""

    def __init__(self, ground: Ground, token: str) -> None:
        settings = load_file(ground.line.options.from_kubeconfig).settings("")
        self._base = ground.line.control_plane.url
        self._cluster = ground.line.cluster
        self._context = ssl.create_default_context(cadata=settings.ca_data.decode())
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def url(self, path: str, cluster: str = "") -> str:
        return f"{self._base}/clusters/{cluster or self._cluster}{path}"

    async def status_of(self, method: str, path: str, *, cluster: str = "", **headers: str) -> tuple[int, Object]:
        """Status and body of a plain request; the WebSocket handshake by itself with `upgrade`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.url(path, cluster), headers={**self._headers, **named}, ssl=self._context
            ) as answer,
        ):
            if answer.status == 101:
                return 101, {}
            body = await answer.read()
            is_status = answer.content_type == "application/json"
            return answer.status, jsonio.loads(body) if is_status else {"text": body.decode()}

    async def handshake(self, path: str, *, protocol: str = V5, cluster: str = "") -> tuple[int, Object]:
        """How a WebSocket is answered."""
        return await self.status_of(
            "GET", path, cluster=cluster, connection="Upgrade", upgrade="websocket", sec_websocket_version="13",
            sec_websocket_key=base64.b64encode(bytes(16)).decode(), sec_websocket_protocol=protocol,
        )  # fmt: skip

    @asynccontextmanager
    async def exec(
        self, *command: str, pod: str = "web", headers: Mapping[str, str] | None = None, **query: str
    ) -> AsyncIterator[Command]:
        """A command in a pod, with all streams."""
        pairs = [("command", word) for word in command]
        pairs += {"stdin": "true", "stdout": "true", "stderr": "true", **query}.items()
        path = f"/api/v1/namespaces/default/pods/{pod}/exec?{urlencode(pairs)}"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                self.url(path), headers={**self._headers, **(headers or {})}, protocols=(V5,), ssl=self._context
            ) as socket,
        ):
            yield Command(socket)


def admin(ground: Ground) -> Caller:
    """Someone who may do everything in the workspace."""
    settings = load_file(ground.line.directory / "control-plane" / "admin.kubeconfig").settings("")
    return Caller(ground, settings.token)


def agent_token(ground: Ground) -> str:
    return load_file(ground.line.options.from_kubeconfig).settings("").token


def client_with(ground: Ground, token: str) -> ClusterClient:
    """A client under a token."""
    settings = load_file(ground.line.options.from_kubeconfig).settings("")
    return ClusterClient(
        NetworkTransport(type(settings)(server=ground.line.control_plane.url, ca_data=settings.ca_data, token=token))
    )
