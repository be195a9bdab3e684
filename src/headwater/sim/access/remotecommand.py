"""The two ways in which clients carry a command's streams: SPDY/3.1 streams, and channels in WebSocket messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from headwater.apiserver.web.types import Query, Request, UpgradeResponse
from headwater.base import jsonio
from headwater.base.channel import ByteChannel, ChannelBroken
from headwater.base.tasks import TaskGroup
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object
from headwater.sim.access.spdyserver import SpdyConnection, SpdyStream
from headwater.sim.access.streams import NoInput, NoOutput, Streams
from headwater.tunnel.interface import LinkBroken
from headwater.tunnel.websocket import CLOSE_NORMAL, VERSION, WebSocketError, accept_value, offered_protocols
from headwater.tunnel.wslink import WebSocketLink

Program = Callable[[Streams], Awaitable[int]]
"""Runs with these streams; answers its exit code."""

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
SPDY: Final = "SPDY/3.1"
_STREAM_SECONDS: Final = 30.0
_LEAVE_SECONDS: Final = 5.0
_MAX_MESSAGE_BYTES: Final = 1024 * 1024
_STDIN, _STDOUT, _STDERR, _ERROR, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_PIECE_BYTES: Final = 32 * 1024


def exit_status(code: int) -> bytes:
    """What the error stream says at the end."""
    status: Object = {"metadata": {}, "status": "Success"}
    if code:
        causes = [{"reason": "ExitCode", "message": str(code)}]
        message = f"command terminated with non-zero exit code: exit status {code}"
        status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": message,
                  "details": {"causes": causes}}  # fmt: skip
    return jsonio.dumps(status)


def wanted_streams(query: Query) -> frozenset[str]:
    """Which of the standard streams a client wants. Raises BadRequest when it wants none."""
    found = frozenset(name for name in ("stdin", "stdout", "stderr", "tty") if query.get(name) in ("true", "1"))
    if not found - {"tty"}:
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return found - {"stderr"} if "tty" in found else found


def spdy_answer(request: Request, protocols: tuple[str, ...], serve: Serve) -> UpgradeResponse:
    """The answer to a request for SPDY. Raises BadRequest when no protocol is offered that is spoken here."""
    offered = [
        part.strip()
        for line in request.headers.get_all("x-stream-protocol-version")
        for part in line.split(",")
    ]  # fmt: skip
    chosen = next((each for each in protocols if each in offered), None)
    if chosen is None:
        raise BadRequest(f"unable to upgrade: unsupported protocols {offered}, {list(protocols)} are served")
    headers = (("Connection", "Upgrade"), ("Upgrade", SPDY), ("X-Stream-Protocol-Version", chosen))
    return UpgradeResponse(serve, headers=headers)


def websocket_answer(request: Request, protocols: tuple[str, ...], serve: Serve) -> UpgradeResponse:
    """The answer to a request for a WebSocket. Raises BadRequest."""
    headers = request.headers
    offered = offered_protocols(headers.get_all("sec-websocket-protocol"))
    chosen = next((each for each in protocols if each in offered), None)
    if chosen is None or headers.get("sec-websocket-version") != VERSION:
        raise BadRequest(f"unable to upgrade: unsupported protocols {offered}, {list(protocols)} are served")
    try:
        accept = accept_value(headers.get("sec-websocket-key", ""))
    except WebSocketError as error:
        raise BadRequest(str(error)) from error
    answer = (
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", accept),
        ("Sec-WebSocket-Protocol", chosen),
    )  # fmt: skip
    return UpgradeResponse(serve, headers=answer)


Serve = Callable[[ByteChannel], Awaitable[None]]


def command_answer(request: Request, program: Program) -> UpgradeResponse:
    """Runs a program over whatever the client speaks. Raises BadRequest."""
    wanted = wanted_streams(request.query)
    upgrade = request.headers.get("upgrade", "").lower()
    if upgrade == SPDY.lower():
        return spdy_answer(request, PROTOCOLS, lambda channel: _over_spdy(channel, wanted, program))
    if upgrade == "websocket":
        return websocket_answer(request, PROTOCOLS, lambda channel: _over_websocket(channel, wanted, program))
    raise BadRequest("Upgrade request required")


async def _over_spdy(channel: ByteChannel, wanted: frozenset[str], program: Program) -> None:
    connection = SpdyConnection(channel)
    async with TaskGroup("exec over SPDY") as group:
        reading = group.start(connection.run(), name="reader")
        try:
            streams = await _collected(connection, {"error", *(wanted - {"tty"})})
            if streams is None:
                return
            sinks = {name: streams.get(name) for name in ("stdout", "stderr")}
            code = await program(
                Streams(
                    streams.get("stdin") or NoInput(), sinks["stdout"] or NoOutput(), sinks["stderr"] or NoOutput(),
                    tty="tty" in wanted,
                )
            )  # fmt: skip
            await streams["error"].write(exit_status(code))
            for stream in streams.values():
                await stream.finish()
            # The client has to read all of it before the connection ends, and then ends it itself.
            async with asyncio.timeout(_LEAVE_SECONDS):
                await asyncio.wait([reading])
        except (ChannelBroken, TimeoutError):
            pass  # The client is gone, or does not go.
        finally:
            channel.close()
            reading.cancel()


async def _collected(connection: SpdyConnection, names: set[str]) -> dict[str, SpdyStream] | None:
    """The streams that the client has to open, by type; None when it does not."""
    found: dict[str, SpdyStream] = {}
    async with asyncio.timeout(_STREAM_SECONDS):
        while not names <= found.keys():
            stream = await connection.accept()
            if stream is None:
                return None
            found[stream.headers.get("streamtype", "").lower()] = stream
    return found


class _Channels:
    """A command's streams as messages, each with the number of its channel in front."""

    def __init__(self, link: WebSocketLink) -> None:
        self.link = link
        self._input = asyncio.Queue[bytes](16)

    async def pump(self) -> None:
        """Read the client's messages until it leaves; a program that does not read makes it wait."""
        try:
            while True:
                message = await self.link.receive()
                if message[:1] == bytes([_STDIN]) and len(message) > 1:
                    await self._input.put(message[1:])
                elif message == bytes([_CLOSE, _STDIN]):
                    await self._input.put(b"")
        except LinkBroken:
            await self._input.put(b"")

    async def read(self) -> bytes:
        data = await self._input.get()
        if not data:
            # The end stays the end, however often it is asked for.
            self._input.put_nowait(b"")
        return data

    async def send(self, channel: int, data: bytes) -> None:
        for start in range(0, len(data), _PIECE_BYTES):
            try:
                await self.link.send(bytes([channel]) + data[start : start + _PIECE_BYTES])
            except LinkBroken as error:
                raise ChannelBroken(str(error)) from error


class _Output:
    """One channel that the program writes to."""

    def __init__(self, channels: _Channels, number: int) -> None:
        self._channels = channels
        self._number = number

    async def write(self, data: bytes) -> None:
        await self._channels.send(self._number, data)


async def _over_websocket(channel: ByteChannel, wanted: frozenset[str], program: Program) -> None:
    link = WebSocketLink(channel, max_message_bytes=_MAX_MESSAGE_BYTES)
    channels = _Channels(link)
    async with TaskGroup("exec over WebSocket") as group:
        reading = group.start(channels.pump(), name="reader")
        try:
            code = await program(
                Streams(
                    channels if "stdin" in wanted else NoInput(),
                    _Output(channels, _STDOUT) if "stdout" in wanted else NoOutput(),
                    _Output(channels, _STDERR) if "stderr" in wanted else NoOutput(),
                    tty="tty" in wanted,
                )
            )
            await channels.send(_ERROR, exit_status(code))
            await link.close_with(CLOSE_NORMAL, "")
        except ChannelBroken:
            pass  # The client is gone.
        finally:
            channel.close()
            reading.cancel()
