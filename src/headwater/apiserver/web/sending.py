"""The writing half of a connection: whole responses, and streams whose waiting chunks leave in one write."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.apiserver.web.encode import LAST_CHUNK, chunk
from headwater.apiserver.web.types import StreamResponse

HIGH_WATER_BYTES: Final = 256 * 1024


class Sender:
    """Writes to one transport and feels its back-pressure.

    Nothing is queued here beyond `HIGH_WATER_BYTES`: a body goes out in slices of that size, and a stream is not asked
    for its next chunk while the peer doesn't read. `blocked_since` tells the server's sweep since when that is so.
    """

    __slots__ = (
        "_flush_scheduled", "_loop", "_pending", "_pending_bytes", "_raw", "_transport", "_waiter", "blocked_since",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self.blocked_since: float | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._flush_scheduled = False
        self._raw = False

    def pause(self) -> None:
        """The transport's buffer is over its high-water mark."""
        self.blocked_since = self._loop.time()

    def resume(self) -> None:
        """The transport's buffer has drained."""
        self.blocked_since = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def drained(self) -> None:
        """Returns when the transport takes more."""
        while self.blocked_since is not None:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def send(self, head: bytes, body: bytes | list[bytes]) -> None:
        """Writes a whole response; returns when the transport has taken it."""
        if isinstance(body, list):
            body = b"".join(body)
        if len(body) <= HIGH_WATER_BYTES:
            self._transport.write(head + body)
            return
        self._transport.write(head)
        view = memoryview(body)
        for start in range(0, len(view), HIGH_WATER_BYTES):
            self._transport.write(view[start : start + HIGH_WATER_BYTES])
            # Encrypting a slice takes as long as serving many small requests; let those in between.
            await asyncio.sleep(0)
            await self.drained()

    async def stream(self, head: bytes, response: StreamResponse, *, chunked: bool) -> None:
        """Writes chunks until their source ends; raises what the source raises.

        The source is read on while it has something ready, and a flush is due when it starts to wait: so a burst of
        events costs one write and one TLS record instead of one each, and a lone event waits for nothing.
        """
        self._raw = not chunked
        self._transport.write(head)
        async for piece in response.chunks:
            if not piece:
                continue
            self._pending.append(piece)
            self._pending_bytes += len(piece)
            if self._pending_bytes >= HIGH_WATER_BYTES:
                self._flush()
                await asyncio.sleep(0)
            elif not self._flush_scheduled:
                self._flush_scheduled = True
                self._loop.call_soon(self._flush)
            if self.blocked_since is not None:
                await self.drained()

    def write_head(self, head: bytes) -> None:
        """Writes a head that no body follows."""
        self._transport.write(head)

    def end_stream(self) -> None:
        """Sends what is left and the end mark of a stream that ended in order."""
        self._flush()
        if not self._raw:
            self._transport.write(LAST_CHUNK)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._pending and not self._transport.is_closing():
            self._transport.write(b"".join(self._pending) if self._raw else chunk(self._pending))
        self._pending.clear()
        self._pending_bytes = 0
