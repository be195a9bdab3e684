"""What clients of SPDY get through the tunnel: kubectl before 1.30, and port-forward by everyone."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.integration.tunnel.callers import Caller, admin
from tests.integration.tunnel.ground import Ground

from headwater.base import jsonio
from headwater.base.channel import ByteChannel
from headwater.client.connection import ConnectionSettings
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.tunnel.spdy import Decoder, Encoder, Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")
POD = "/api/v1/namespaces/default/pods/web"
PORT_FORWARD = "portforward.k8s.io"


class Spdy:
    """A client: opens streams, and gathers what comes on each."""

    def __init__(self, channel: ByteChannel) -> None:
        self.encoder = Encoder()
        self.received: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self._channel = channel
        self._decoder = Decoder()
        self._next = 1

    async def open(self, **headers: str) -> int:
        number, self._next = self._next, self._next + 2
        await self._channel.write(self.encoder.syn_stream(number, headers))
        return number

    async def send(self, number: int, data: bytes = b"", *, fin: bool = False) -> None:
        await self._channel.write(self.encoder.data(number, data, fin=fin))

    async def until_ended(self, *numbers: int) -> None:
        async with asyncio.timeout(20):
            while not self.ended >= set(numbers):
                data = await self._channel.read()
                assert data, f"the connection ended before {numbers}: {self.received}"
                for frame in self._decoder.feed(data):
                    if frame.kind is Kind.DATA:
                        self.received[frame.number] = self.received.get(frame.number, b"") + frame.payload
                        if frame.fin:
                            self.ended.add(frame.number)


@asynccontextmanager
async def spdy(ground: Ground, path: str, query: list[tuple[str, str]], *protocols: str) -> AsyncIterator[Spdy]:
    """A SPDY connection to a subresource of the pod."""
    settings = load_file(ground.line.directory / "control-plane" / "admin.kubeconfig").settings("")
    transport = NetworkTransport(
        ConnectionSettings(server=ground.line.control_plane.url, ca_data=settings.ca_data, token=settings.token)
    )
    headers = [("upgrade", "SPDY/3.1"), *(("x-stream-protocol-version", each) for each in protocols)]
    answer = await transport.upgrade(
        "POST", f"/clusters/{ground.line.cluster}{POD}/{path}", query=query, headers=headers
    )
    try:
        assert answer.status == 101, answer.body
        assert answer.headers["x-stream-protocol-version"] == protocols[0]
        assert answer.channel is not None
        yield Spdy(answer.channel)
    finally:
        if answer.channel is not None:
            answer.channel.close()
        await transport.close()


STREAMS = [("stdin", "true"), ("stdout", "true"), ("stderr", "true")]


@pytest.mark.parametrize(
    ("path", "command", "typed", "output", "errors", "code"),
    [
        ("exec", ("cat",), b"typed", b"typed", b"", 0),
        ("exec", ("sh", "-c", "echo no >/dev/stderr; exit 3"), b"", b"", b"no\n", 3),
        ("exec", ("head", "-c", "300000", "/dev/zero"), b"", bytes(300_000), b"", 0),
        ("attach", (), b"heard", b"heard", b"", 0),
    ],
)
async def test_a_command(
    shared: Ground, path: str, command: tuple[str, ...], typed: bytes, output: bytes, errors: bytes, code: int
) -> None:
    query = [*(("command", word) for word in command), *STREAMS]
    async with spdy(shared, path, query, "v4.channel.k8s.io") as client:
        numbers = {name: await client.open(streamType=name) for name in ("error", "stdin", "stdout", "stderr")}
        if typed:
            await client.send(numbers["stdin"], typed)
        await client.send(numbers["stdin"], fin=True)
        await client.until_ended(numbers["error"], numbers["stdout"], numbers["stderr"])
    assert client.received.get(numbers["stdout"], b"") == output
    assert client.received.get(numbers["stderr"], b"") == errors
    status = jsonio.loads(client.received[numbers["error"]])
    causes = (status.get("details") or {}).get("causes") or [{"message": "0"}]
    assert causes[0]["message"] == str(code)


async def forwarded(client: Spdy, request: int, port: str) -> tuple[bytes, bytes]:
    """What a connection to a port gives: its data and its errors."""
    headers: Mapping[str, str] = {"requestID": str(request), "port": port}
    errors = await client.open(streamType="error", **headers)
    await client.send(errors, fin=True)
    data = await client.open(streamType="data", **headers)
    await client.send(data, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.until_ended(errors, data)
    return client.received.get(data, b""), client.received.get(errors, b"")


async def test_connections_to_ports(shared: Ground) -> None:
    """Several over one, each with a stream for data and one for errors."""
    async with spdy(shared, "portforward", [], PORT_FORWARD) as client:
        for request in range(3):
            data, errors = await forwarded(client, request, "8080")
            assert data.endswith(b"\r\n\r\nsimulated pod web answers on port 8080\n")
            assert errors == b""


class Messages:
    """The bytes of a SPDY connection in WebSocket messages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        message: Any = await self._socket.receive()
        return message.data if message.type is aiohttp.WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    def close(self, reason: str = "") -> None:
        return


async def test_connections_to_ports_over_websocket(shared: Ground) -> None:
    """As kubectl does from 1.31 on."""
    caller: Caller = admin(shared)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            caller.url(f"{POD}/portforward"), headers=caller._headers, ssl=caller._context,
            protocols=(f"SPDY/3.1+{PORT_FORWARD}",),
        ) as socket,
    ):  # fmt: skip
        data, _ = await forwarded(Spdy(Messages(socket)), 0, "80")
    assert data.endswith(b"simulated pod web answers on port 80\n")


@pytest.mark.parametrize("path", ["exec", "attach", "portforward"])
async def test_protocols_that_are_not_spoken(shared: Ground, path: str) -> None:
    query = f"{POD}/{path}?command=ls&stdout=true"
    spoken = {"connection": "Upgrade", "upgrade": "SPDY/3.1", "x_stream_protocol_version": "v1.odd"}
    status, body = await admin(shared).status_of("POST", query, **spoken)
    assert status == 400
    assert "unsupported protocols" in body["message"]


async def test_a_request_without_streams_or_command(shared: Ground) -> None:
    key = base64.b64encode(bytes(16)).decode()
    socket = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13", "sec_websocket_key": key}
    for query, said in (("command=ls", "at least 1 of stdin"), ("stdout=true", "at least 1 command")):
        status, body = await admin(shared).status_of("GET", f"{POD}/exec?{query}", **socket)
        assert status == 400
        assert said in body["message"]
