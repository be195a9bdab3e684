"""A simulated pcluster's end of a SPDY connection."""

from __future__ import annotations

import asyncio
import struct

from headwater.base.channel import ChannelBroken
from headwater.sim.access.spdyserver import MAX_STREAMS, SpdyConnection
from headwater.tunnel.spdy import Decoder, Encoder, Kind, SpdyFrame


class Client:
    """The other end: what it sends is queued, what it gets is decoded."""

    def __init__(self) -> None:
        self.encoder = Encoder()
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.got: list[SpdyFrame] = []
        self.closed = False
        self._decoder = Decoder()

    async def read(self) -> bytes:
        return await self.sent.get()

    async def write(self, data: bytes) -> None:
        if self.closed:
            raise ChannelBroken("closed")
        self.got += self._decoder.feed(data)

    def close(self, reason: str = "") -> None:
        self.closed = True


async def test_a_connection_accepts_streams_and_answers_pings() -> None:
    client = Client()
    connection = SpdyConnection(client)
    running = asyncio.create_task(connection.run())
    for frame in (
        client.encoder.syn_stream(1, {"streamType": "stdin"}),
        client.encoder.data(1, b"typed"),
        client.encoder.data(1, fin=True),
        client.encoder.ping(1),
        struct.pack(">HHI", 0x8003, 77, 0),
    ):
        client.sent.put_nowait(frame)
    stream = await connection.accept()
    assert stream is not None
    assert stream.headers == {"streamtype": "stdin"}
    assert (await stream.read(), await stream.read()) == (b"typed", b"")
    await stream.write(b"x" * 40_000)
    await stream.finish()
    client.sent.put_nowait(b"")
    await running
    assert await connection.accept() is None
    assert [frame.kind for frame in client.got[:2]] == [Kind.SYN_REPLY, Kind.PING]
    assert b"".join(frame.payload for frame in client.got if frame.kind is Kind.DATA) == b"x" * 40_000
    assert client.got[-1].fin


async def test_streams_are_bounded_and_a_reset_ends_one() -> None:
    client = Client()
    connection = SpdyConnection(client)
    running = asyncio.create_task(connection.run())
    for number in range(MAX_STREAMS + 1):
        client.sent.put_nowait(client.encoder.syn_stream(2 * number + 1, {}))
    first = await connection.accept()
    assert first is not None
    client.sent.put_nowait(client.encoder.reset(1, 5))
    assert await first.read() == b""
    assert [frame.number for frame in client.got if frame.kind is Kind.RST_STREAM] == [2 * MAX_STREAMS + 1]
    client.sent.put_nowait(b"not SPDY at all")
    await running
    assert client.closed
