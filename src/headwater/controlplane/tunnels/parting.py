"""Joins a client's connection with a stream of a tunnel, and tells WebSocket clients why it was cut.

Nothing of what passes is understood. Only the borders of the frames that go to a WebSocket client are followed, so that
at the end, and not within a frame, a last word can be said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from headwater.base import jsonio
from headwater.base.channel import ByteChannel, ChannelBroken, relay, splice
from headwater.tunnel.websocket import CLOSE_INTERNAL_ERROR, FrameBorders, Opcode, close_payload, encode

_ERROR_CHANNEL: Final = b"\x03"
_LAST_WORD_SECONDS: Final = 1.0
_STATUS_PROTOCOLS: Final = frozenset({"v4.channel.k8s.io", "v5.channel.k8s.io"})


async def parting(client: ByteChannel, stream: ByteChannel, headers: Mapping[str, str]) -> str:
    """Carry bytes until one side ends; answers why, "" for an end in order."""
    if headers.get("upgrade", "").lower() != "websocket":
        return await splice(client, stream)
    followed = _Followed(client)
    reason = "the control plane is stopping"
    try:
        reason = await relay(followed, stream)
    finally:
        stream.close(reason)
        if reason and followed.borders.at_border:
            await _say(client, reason, headers.get("sec-websocket-protocol", ""))
        client.close(reason)
    return reason


class _Followed:
    """A WebSocket client's connection, with the borders of the frames that go to it."""

    def __init__(self, channel: ByteChannel) -> None:
        self._channel = channel
        self.borders = FrameBorders()

    async def read(self) -> bytes:
        return await self._channel.read()

    async def write(self, data: bytes) -> None:
        self.borders.feed(data)
        await self._channel.write(data)

    def close(self, reason: str = "") -> None:
        self._channel.close(reason)


async def _say(client: ByteChannel, reason: str, protocol: str) -> None:
    """The reason as the failure of the command, where the protocol has a place for it, and in a close frame."""
    last = encode(Opcode.CLOSE, close_payload(CLOSE_INTERNAL_ERROR, reason))
    if protocol in _STATUS_PROTOCOLS:
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                  "reason": "InternalError", "message": reason, "code": 500}  # fmt: skip
        last = encode(Opcode.BINARY, _ERROR_CHANNEL + jsonio.dumps(status)) + last
    try:
        async with asyncio.timeout(_LAST_WORD_SECONDS):
            await client.write(last)
    except (ChannelBroken, TimeoutError):
        pass  # Who is gone, or does not read, can't be told.
