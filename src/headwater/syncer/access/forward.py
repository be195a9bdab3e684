"""Sends a request that came through the tunnel to the pcluster, under the agent's own credential, and joins the two."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol
from urllib.parse import parse_qsl

from headwater.base import jsonio
from headwater.base.channel import ByteChannel, ChannelBroken, splice
from headwater.client.connection import ConfigError
from headwater.client.interface import Query, TransportError
from headwater.client.interface import Stream as ClientStream
from headwater.client.upgrade import Upgraded
from headwater.machinery.errors import Forbidden, NotFound, StatusError, Unauthorized
from headwater.machinery.objects import make_key
from headwater.syncer.access.gate import Gate
from headwater.telemetry.logging import get_logger
from headwater.tunnel.messages import LOG, MessageError, StreamAnswer, StreamRequest, decode_request
from headwater.tunnel.stream import Stream

log = get_logger("syncer.access")

_PIECE_BYTES: Final = 32 * 1024
_MAX_ERROR_BYTES: Final = 64 * 1024
_ANSWER_SECONDS: Final = 25.0


class PClusterConnection(Protocol):
    """What is needed of the connection to the pcluster; `client.transport.NetworkTransport` is one."""

    async def stream(self, method: str, path: str, *, query: Query = ()) -> ClientStream:
        """A streamed answer."""
        ...

    async def upgrade(self, method: str, path: str, *, query: Query = (), headers: Query) -> Upgraded:
        """A connection that leaves HTTP."""
        ...


class Forwarder:
    """Serves the streams of a tunnel. A refusal of the pcluster tells about the pod, not about the agent's rights."""

    def __init__(self, *, gate: Gate, pcluster: PClusterConnection) -> None:
        self._gate = gate
        self._pcluster = pcluster

    async def serve(self, stream: Stream) -> None:
        """One stream, from its request to its end."""
        try:
            request = decode_request(stream.head)
        except MessageError as error:
            stream.reply(StreamAnswer(400, message=str(error)).encode())
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                space = await self._gate.enter(request)
                opened = await self._ask(request, space)
        except NotFound as error:
            stream.reply(StreamAnswer(404, message=str(error)).encode())
            return
        except (Forbidden, Unauthorized) as error:
            stream.reply(_not_allowed(request, str(error)).encode())
            return
        except (StatusError, TransportError, ConfigError, TimeoutError) as error:
            log.warning("the pcluster can't be asked", upstream=_upstream(request), error=str(error))
            stream.reply(StreamAnswer(503, message="the pcluster can't be asked now").encode())
            return
        if isinstance(opened, StreamAnswer):
            stream.reply(opened.encode())
            return
        answer, channel = opened
        stream.reply(answer.encode())
        reason = await splice(stream, channel)
        if reason:
            below = f"{space}/{request.pod}"
            log.info("stream was cut", upstream=_upstream(request), downstream=below, reason=reason)

    async def _ask(self, request: StreamRequest, space: str) -> StreamAnswer | tuple[StreamAnswer, ByteChannel]:
        """The pcluster's answer: an error, or the beginning of a stream and what carries it."""
        path = f"/api/v1/namespaces/{space}/pods/{request.pod}/{request.subresource}"
        query = parse_qsl(request.query, keep_blank_values=True)
        if request.subresource == LOG:
            source = await self._pcluster.stream("GET", path, query=query)
            if source.status == 200:
                return StreamAnswer(200), _Source(source)
            return _refusal(source.status, await _beginning(source), request, space)
        answer = await self._pcluster.upgrade(request.method, path, query=query, headers=request.headers)
        if answer.channel is not None:
            return StreamAnswer(answer.status, tuple(answer.headers.items())), answer.channel
        return _refusal(answer.status, answer.body, request, space)


class _Source:
    """A streamed answer as a channel that is only read."""

    def __init__(self, source: ClientStream) -> None:
        self._source = source
        self._chunks = source.__aiter__()
        self._rest = b""
        self._closing: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        if not self._rest:
            try:
                self._rest = await anext(self._chunks, b"")
            except TransportError as error:
                raise ChannelBroken(str(error)) from error
        piece, self._rest = self._rest[:_PIECE_BYTES], self._rest[_PIECE_BYTES:]
        return piece

    async def write(self, data: bytes) -> None:
        raise ChannelBroken("a log can't be written to")

    def close(self, reason: str = "") -> None:
        self._closing = asyncio.ensure_future(self._source.close())


async def _beginning(source: ClientStream) -> bytes:
    body = b""
    try:
        async for chunk in source:
            body += chunk
            if len(body) >= _MAX_ERROR_BYTES:
                break
    finally:
        await source.close()
    return body[:_MAX_ERROR_BYTES]


def _refusal(status: int, body: bytes, request: StreamRequest, space: str) -> StreamAnswer:
    """What the caller may know of an error: kubelets' words about the pod, with the namespace's upstream name."""
    text = body.decode(errors="replace")
    try:
        document = jsonio.loads(body)
        text = str(document["message"]) if isinstance(document, dict) and "message" in document else text
    except ValueError:
        pass  # Kubelets answer in plain text.
    if status in (401, 403):
        return _not_allowed(request, f"{status}: {text}")
    if status < 400:
        return StreamAnswer(502, message="the pcluster does not offer this protocol")
    return StreamAnswer(status, message=text.replace(space, request.namespace))


def _upstream(request: StreamRequest) -> str:
    """What was asked for, as other lines of the log name it."""
    key = make_key(request.cluster, request.namespace, request.pod)
    return f"pods/{request.subresource} {key}"


def _not_allowed(request: StreamRequest, reason: str) -> StreamAnswer:
    """The agent lacks rights on the pcluster: the reason is for its log, and what to do for the caller."""
    log.error("the pcluster refuses its syncer", upstream=_upstream(request), reason=reason)
    what = f"the pcluster does not let its syncer use pods/{request.subresource}"
    return StreamAnswer(503, message=f"{what}: register it with --tunnel")
