"""Port-forward to a simulated pod: each connection reaches a web server that says which pod it is."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.apiserver.web.types import Request, UpgradeResponse
from headwater.base.channel import ByteChannel, ChannelBroken
from headwater.base.tasks import TaskGroup
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object, name
from headwater.sim.access.remotecommand import SPDY, spdy_answer, websocket_answer
from headwater.sim.access.spdyserver import SpdyConnection, SpdyStream
from headwater.tunnel.interface import LinkBroken
from headwater.tunnel.wslink import WebSocketLink

_PROTOCOL: Final = "portforward.k8s.io"
_TUNNELLED: Final = "SPDY/3.1+portforward.k8s.io"
_MAX_MESSAGE_BYTES: Final = 1024 * 1024
_MAX_HEAD_BYTES: Final = 16 * 1024


def portforward_answer(request: Request, pod: Object) -> UpgradeResponse:
    """Serves the ports of a pod over whatever the client speaks. Raises BadRequest."""
    upgrade = request.headers.get("upgrade", "").lower()
    if upgrade == SPDY.lower():
        return spdy_answer(request, (_PROTOCOL,), lambda channel: _serve(channel, pod))
    if upgrade == "websocket":
        return websocket_answer(request, (_TUNNELLED,), lambda channel: _serve(_Tunnelled(channel), pod))
    raise BadRequest("Upgrade request required")


class _Tunnelled:
    """The bytes of a SPDY connection in WebSocket messages."""

    def __init__(self, channel: ByteChannel) -> None:
        self._channel = channel
        self._link = WebSocketLink(channel, max_message_bytes=_MAX_MESSAGE_BYTES)

    async def read(self) -> bytes:
        try:
            while not (data := await self._link.receive()):
                pass
        except LinkBroken:
            return b""
        return data

    async def write(self, data: bytes) -> None:
        try:
            await self._link.send(data)
        except LinkBroken as error:
            raise ChannelBroken(str(error)) from error

    def close(self, reason: str = "") -> None:
        self._channel.close(reason)


async def _serve(channel: ByteChannel, pod: Object) -> None:
    connection = SpdyConnection(channel)
    waiting: dict[str, SpdyStream] = {}
    async with TaskGroup("port-forward") as group:
        group.start(connection.run(), name="reader")
        try:
            while (stream := await connection.accept()) is not None:
                request = stream.headers.get("requestid", "")
                if stream.headers.get("streamtype") == "error":
                    waiting[request] = stream
                elif request in waiting:
                    group.start(_connect(connection, pod, waiting.pop(request), stream), name="connection")
        finally:
            channel.close()
            group.cancel()


async def _connect(connection: SpdyConnection, pod: Object, errors: SpdyStream, data: SpdyStream) -> None:
    try:
        port = data.headers.get("port", "")
        declared = _declared_ports(pod)
        if declared and port not in declared:
            await errors.write(f"dial tcp4 127.0.0.1:{port}: connect: connection refused".encode())
        else:
            await _answer_http(data, name(pod), port)
        await data.finish()
        await errors.finish()
    except (ChannelBroken, asyncio.IncompleteReadError):
        pass  # The client is gone.
    finally:
        connection.forget(data)
        connection.forget(errors)


async def _answer_http(data: SpdyStream, pod: str, port: str) -> None:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD_BYTES:
        more = await data.read()
        if not more:
            return
        head += more
    body = f"simulated pod {pod} answers on port {port}\n".encode()
    await data.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def _declared_ports(pod: Object) -> set[str]:
    containers = (pod.get("spec") or {}).get("containers") or ()
    return {str(port.get("containerPort")) for each in containers for port in each.get("ports") or ()}
