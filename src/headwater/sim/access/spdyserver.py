"""The server's end of a SPDY connection: streams that the client opens, each with bytes both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from headwater.base.channel import ByteChannel, ChannelBroken
from headwater.tunnel.spdy import STATUS_REFUSED, Decoder, Encoder, Kind, SpdyError, SpdyFrame

MAX_STREAMS: Final = 128
_BUFFER_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 16 * 1024


class SpdyStream:
    """One stream. What a client sends and nobody reads stops the whole connection, as its windows are not used."""

    def __init__(self, number: int, headers: Mapping[str, str], connection: SpdyConnection) -> None:
        self.number = number
        self.headers = headers
        self._connection = connection
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._ended = False
        self._finished = False

    async def read(self) -> bytes:
        """The next bytes, b"" at the end."""
        while not self._received:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        self._drained.set()
        return data

    async def write(self, data: bytes) -> None:
        """Send. Raises ChannelBroken."""
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            await self._connection.send(self._connection.encoder.data(self.number, piece))

    async def finish(self) -> None:
        """Nothing more will be written."""
        if not self._finished:
            self._finished = True
            await self._connection.send(self._connection.encoder.data(self.number, fin=True))

    async def take(self, data: bytes, *, fin: bool) -> None:
        """Data has come; returns when there is room for more."""
        self._received += data
        self._ended = self._ended or fin
        self._arrived.set()
        while len(self._received) > _BUFFER_BYTES and not self._ended:
            self._drained.clear()
            await self._drained.wait()

    def end(self) -> None:
        """The peer sends no more."""
        self._ended = True
        self._arrived.set()
        self._drained.set()


class SpdyConnection:
    """`run` reads until the connection ends; streams that the client opened come out of `accept`, in order."""

    def __init__(self, channel: ByteChannel) -> None:
        self.encoder = Encoder()
        self._channel = channel
        self._decoder = Decoder()
        self._streams: dict[int, SpdyStream] = {}
        self._opened: asyncio.Queue[SpdyStream | None] = asyncio.Queue(MAX_STREAMS + 1)

    async def accept(self) -> SpdyStream | None:
        """The next stream, None when no more will come."""
        return await self._opened.get()

    async def send(self, frame: bytes) -> None:
        await self._channel.write(frame)

    async def run(self) -> None:
        """Read until the client leaves."""
        try:
            while data := await self._channel.read():
                for frame in self._decoder.feed(data):
                    await self._take(frame)
        except (ChannelBroken, SpdyError):
            pass  # A client that is gone, or speaks something else, is told nothing.
        finally:
            for stream in self._streams.values():
                stream.end()
            if not self._opened.full():
                self._opened.put_nowait(None)
            self._channel.close()

    def forget(self, stream: SpdyStream) -> None:
        """A stream that is used no more makes room for another."""
        self._streams.pop(stream.number, None)

    async def _take(self, frame: SpdyFrame) -> None:
        if frame.kind is Kind.SYN_STREAM:
            await self._open(frame)
        elif frame.kind is Kind.PING:
            if frame.number % 2:
                await self.send(self.encoder.ping(frame.number))
        elif frame.kind in (Kind.DATA, Kind.RST_STREAM, Kind.HEADERS):
            stream = self._streams.get(frame.number)
            if stream is None:
                return
            if frame.kind is Kind.RST_STREAM:
                stream.end()
                self.forget(stream)
            else:
                await stream.take(frame.payload if frame.kind is Kind.DATA else b"", fin=frame.fin)

    async def _open(self, frame: SpdyFrame) -> None:
        if len(self._streams) >= MAX_STREAMS or frame.number in self._streams or self._opened.full():
            await self.send(self.encoder.reset(frame.number, STATUS_REFUSED))
            return
        stream = self._streams[frame.number] = SpdyStream(frame.number, frame.headers, self)
        if frame.fin:
            stream.end()
        await self.send(self.encoder.syn_reply(frame.number))
        self._opened.put_nowait(stream)
