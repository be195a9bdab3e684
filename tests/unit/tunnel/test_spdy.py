"""SPDY as Kubernetes' clients speak it."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.tunnel.spdy import (
    MAX_HEADER_BYTES,
    Decoder,
    Encoder,
    ErrorStreamFinder,
    Kind,
    SpdyBorders,
    SpdyError,
    SpdyFrame,
)
from headwater.tunnel.spdydictionary import DICTIONARY

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


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 50))
def test_borders_are_found_without_the_payload(payloads: list[bytes], size: int) -> None:
    encoder, borders = Encoder(), SpdyBorders()
    wire = b"".join(encoder.data(1, each) for each in payloads)
    for at in range(0, len(wire), size):
        borders.feed(wire[at : at + size])
    assert borders.at_border
    borders.feed(b"\x00")
    assert not borders.at_border


@given(st.permutations(["error", "stdin", "stdout", "stderr"]), st.integers(1, 50))
def test_the_stream_of_the_outcome_is_found(order: list[str], size: int) -> None:
    encoder, finder = Encoder(), ErrorStreamFinder()
    wire = b"".join(encoder.syn_stream(2 * at + 1, {"streamType": name}) for at, name in enumerate(order))
    for at in range(0, len(wire), size):
        finder.feed(wire[at : at + size])
    assert finder.number == 2 * order.index("error") + 1


@pytest.mark.parametrize("data", [b"\xff" * 100, Encoder().data(1, bytes(1000)) * 100])
def test_a_client_that_opens_none_is_not_followed_for_long(data: bytes) -> None:
    finder = ErrorStreamFinder()
    finder.feed(data)
    finder.feed(Encoder().syn_stream(1, {"streamtype": "error"}))
    assert finder.number == 0
