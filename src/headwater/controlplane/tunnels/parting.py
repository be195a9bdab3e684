"""Joins a client's connection with a stream of a tunnel, and tells the client why it was cut.

What passes is not changed, and of what it says only this much is understood: where frames end that go to the client,
and which SPDY stream takes the outcome of a command. So at the end, and not within a frame, a last word can be said.
Without one, old clients take a command that was cut for one that succeeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from headwater.base import jsonio
from headwater.base.channel import ByteChannel, ChannelBroken, relay
from headwater.tunnel.spdy import Encoder, ErrorStreamFinder, SpdyBorders
from headwater.tunnel.websocket import CLOSE_INTERNAL_ERROR, FrameBorders, Opcode, close_payload, encode

_LAST_WORD_SECONDS: Final = 1.0
_ERROR_CHANNEL: Final = b"\x03"
_STATUS_PROTOCOLS: Final = frozenset({"v4.channel.k8s.io", "v5.channel.k8s.io"})
_TEXT_PROTOCOLS: Final = frozenset({"v2.channel.k8s.io", "v3.channel.k8s.io"})


class Listener(Protocol):
    """Follows what passes, and knows what could be said at the end."""

    def from_client(self, data: bytes) -> None: ...

    def to_client(self, data: bytes) -> None: ...

    def last_word(self, reason: str) -> bytes:
        """What tells the client the reason; nothing where that would be taken for something else."""
        ...


async def parting(client: ByteChannel, stream: ByteChannel, headers: Mapping[str, str]) -> str:
    """Carry bytes until one side ends; answers why, "" for an end in order. `headers` are those of the answer."""
    listener = _listener(headers)
    reason = "the control plane is stopping"
    try:
        reason = await relay(_Followed(client, listener), stream)
    finally:
        stream.close(reason)
        last = listener.last_word(reason) if reason else b""
        if last:
            await _say(client, last)
        client.close(reason)
    return reason


def _listener(headers: Mapping[str, str]) -> Listener:
    if headers.get("upgrade", "").lower() == "websocket":
        return WebSocketListener(headers.get("sec-websocket-protocol", ""))
    return SpdyListener(headers.get("x-stream-protocol-version", ""))


class WebSocketListener:
    """Says the reason as the failure of the command, where the protocol has a place for it, and in a close frame."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._borders = FrameBorders()

    def from_client(self, data: bytes) -> None:
        return

    def to_client(self, data: bytes) -> None:
        self._borders.feed(data)

    def last_word(self, reason: str) -> bytes:
        if not self._borders.at_border:
            return b""
        goodbye = encode(Opcode.CLOSE, close_payload(CLOSE_INTERNAL_ERROR, reason))
        if self._protocol in _STATUS_PROTOCOLS:
            return encode(Opcode.BINARY, _ERROR_CHANNEL + _failure(reason)) + goodbye
        return goodbye


class SpdyListener:
    """Says the reason on the stream that takes the outcome of a command."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._borders = SpdyBorders()
        self._finder = ErrorStreamFinder()

    def from_client(self, data: bytes) -> None:
        self._finder.feed(data)

    def to_client(self, data: bytes) -> None:
        self._borders.feed(data)

    def last_word(self, reason: str) -> bytes:
        if not self._borders.at_border or not self._finder.number:
            return b""
        if self._protocol in _STATUS_PROTOCOLS:
            return Encoder().data(self._finder.number, _failure(reason), fin=True)
        if self._protocol in _TEXT_PROTOCOLS:
            return Encoder().data(self._finder.number, reason.encode(), fin=True)
        return b""


def _failure(reason: str) -> bytes:
    return jsonio.dumps(
        {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "InternalError",
            "message": reason, "code": 500,
        }
    )  # fmt: skip


class _Followed:
    """A client's connection, with a listener."""

    def __init__(self, channel: ByteChannel, listener: Listener) -> None:
        self._channel = channel
        self._listener = listener

    async def read(self) -> bytes:
        data = await self._channel.read()
        self._listener.from_client(data)
        return data

    async def write(self, data: bytes) -> None:
        self._listener.to_client(data)
        await self._channel.write(data)

    def close(self, reason: str = "") -> None:
        self._channel.close(reason)


async def _say(client: ByteChannel, last: bytes) -> None:
    try:
        async with asyncio.timeout(_LAST_WORD_SECONDS):
            await client.write(last)
    except (ChannelBroken, TimeoutError):
        pass  # Who is gone, or does not read, can't be told.
