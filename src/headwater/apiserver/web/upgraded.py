"""A connection that has left HTTP: the bytes of both directions, with the transport's back-pressure."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from headwater.apiserver.web.sending import Sender
from headwater.base.channel import ChannelBroken

_READ_AHEAD_BYTES: Final = 64 * 1024
_WRITE_AHEAD_BYTES: Final = 64 * 1024
_PROBES: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class UpgradedConnection:
    """Implements `base.channel.ByteChannel` on the transport of an HTTP connection.

    At most `_READ_AHEAD_BYTES`, and one read of the transport, wait here; then the transport stops reading.
    """

    def __init__(self, transport: asyncio.Transport, sender: Sender) -> None:
        self._transport = transport
        self._sender = sender
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._ended = False
        self._paused = False
        transport.set_write_buffer_limits(high=_WRITE_AHEAD_BYTES)
        _probe(transport)

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        self._received += data
        if len(self._received) > _READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._arrived.set()

    def lost(self) -> None:
        """The connection is gone."""
        self._ended = True
        self._arrived.set()

    async def read(self) -> bytes:
        while not self._received:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self._ended or self._transport.is_closing():
            raise ChannelBroken("the client closed the connection")
        self._transport.write(data)
        if self._sender.blocked_since is not None:
            await self._sender.drained()

    def close(self, reason: str = "") -> None:
        self.lost()
        self._transport.close()


def _probe(transport: asyncio.Transport) -> None:
    """Finds out within a minute that a peer is gone: such a connection may be silent for hours."""
    raw = transport.get_extra_info("socket")
    if raw is None:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES:
        if hasattr(socket, option):
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
