"""SPDY as Kubernetes' clients speak it."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base.channel import ChannelBroken
from headwater.sim.access.spdy import FLAG_FIN, MAX_HEADER_BYTES, Decoder, Encoder, Kind, SpdyError, SpdyFrame
from headwater.sim.access.spdydictionary import DICTIONARY
from headwater.sim.access.spdyserver import MAX_STREAMS, SpdyConnection

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
headers = st.dictionaries(names, st.text(st.characters(codec="ascii"), max_size=50), max_size=10)


def test_the_dictionary_is_the_specifications() -> None:
    digest = "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    assert hashlib.sha256(DICTIONARY).hexdigest() == digest


@given(
    st.lists(
        st.tuples(st.integers(1, 2**31 - 1), headers, st.booleans())
        | st.tuples(st.integers(1, 2**31 - 1), st.binary(max_size=2000), st.booleans()),
        max_size=8,
    ),
    st.integers(1, 500),
)
def test_frames_come_back_however_they_are_cut(sent: list[tuple[int, dict[str, str] | bytes, bool]], size: int) -> None:
    """Header blocks are one compressed stream, so their order matters."""
    encoder, decoder = Encoder(), Decoder()
    wire = b"".join(
        encoder.data(number, what, fin=fin) if isinstance(what, bytes) else encoder.syn_stream(number, what, fin=fin)
        for number, what, fin in sent
    )
    found = [frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])]
    assert found == [
        SpdyFrame(Kind.DATA, number, fin, what)
        if isinstance(what, bytes)
        else SpdyFrame(Kind.SYN_STREAM, number, fin, headers=what)
        for number, what, fin in sent
    ]


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        list(Decoder().feed(data))
    except SpdyError:
        pass


def block(text: bytes) -> bytes:
    deflate = zlib.compressobj(zdict=DICTIONARY)
    compressed = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
    payload = struct.pack(">IIBB", 1, 0, 0, 0) + compressed
    return struct.pack(">HHI", 0x8003, Kind.SYN_STREAM, len(payload)) + payload


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(block(struct.pack(">I", 1) + struct.pack(">I", 200_000) + bytes(200_000)), id="a bomb"),
        pytest.param(block(bytes(MAX_HEADER_BYTES + 1)), id="one byte too much"),
        pytest.param(block(struct.pack(">I", 65)), id="too many headers"),
        pytest.param(block(struct.pack(">II", 1, 9)), id="a header that is cut"),
        pytest.param(struct.pack(">HHI", 0x8002, 1, 10) + bytes(10), id="another version"),
        pytest.param(struct.pack(">II", 1, 0xFFFFFF), id="a frame that says to be huge"),
        pytest.param(struct.pack(">HHI", 0x8003, Kind.PING, 1) + b"x", id="a ping that is cut"),
    ],
)
def test_what_is_refused(wire: bytes) -> None:
    with pytest.raises(SpdyError):
        list(Decoder().feed(wire))


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
    assert FLAG_FIN == 1


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
