"""WebSocket frames: what RFC 6455 shows, and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.tunnel.websocket import (
    CLOSE_TOO_LARGE,
    Decoder,
    FrameBorders,
    Message,
    Opcode,
    WebSocketError,
    accept_value,
    close_payload,
    encode,
    offered_protocols,
)

LIMIT = 100_000
long = st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=7), st.integers(100, 10_000))
"""Of a hundred to 70,000 bytes, drawn as a few: hypothesis has no room for more in one example."""
messages = st.lists(
    st.builds(Message, st.sampled_from([Opcode.BINARY, Opcode.TEXT]), st.binary(max_size=200) | long)
    | st.builds(Message, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    max_size=5,
)
cuts = st.lists(st.integers(1, 40_000), max_size=20)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [*found, data[at:]]


@given(messages, cuts, st.booleans(), st.binary(min_size=4, max_size=4))
def test_messages_come_back_however_they_are_cut(
    sent: list[Message], sizes: list[int], masked: bool, mask: bytes
) -> None:
    wire = b"".join(encode(each.opcode, each.payload, mask if masked else b"") for each in sent)
    decoder = Decoder(masked=masked, max_message_bytes=LIMIT)
    assert [message for piece in pieces(wire, sizes) for message in decoder.feed(piece)] == sent


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=200))
def test_fragments_become_one_message(parts: list[bytes]) -> None:
    """Control frames may stand between them."""
    wire = b""
    for at, part in enumerate(parts):
        frame = bytearray(encode(Opcode.BINARY if at == 0 else Opcode.CONTINUATION, part))
        if at < len(parts) - 1:
            frame[0] &= 0x7F
        wire += bytes(frame) + encode(Opcode.PING, b"?")
    found = list(Decoder(masked=False, max_message_bytes=LIMIT).feed(wire))
    assert [each.payload for each in found if each.opcode is Opcode.BINARY] == [b"".join(parts)]


@given(messages, cuts)
def test_borders_are_found_without_the_payload(sent: list[Message], sizes: list[int]) -> None:
    """At the end of what was sent there is a border, and one byte later there is none."""
    wire = b"".join(encode(each.opcode, each.payload) for each in sent)
    borders = FrameBorders()
    for piece in pieces(wire, sizes):
        borders.feed(piece)
    assert borders.at_border
    borders.feed(b"\x82")
    assert not borders.at_border


def test_between_fragments_is_no_border() -> None:
    borders = FrameBorders()
    borders.feed(b"\x02\x01x")
    assert not borders.at_border
    borders.feed(encode(Opcode.PING, b""))
    assert not borders.at_border
    borders.feed(b"\x80\x01y")
    assert borders.at_border


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        list(Decoder(masked=True, max_message_bytes=50).feed(data))
    except WebSocketError as error:
        assert 1000 <= error.code < 1016


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        pytest.param(encode(Opcode.BINARY, b"x"), "must be masked", id="not masked"),
        pytest.param(b"\xc2\x81\0\0\0\0x", "reserved", id="a reserved bit"),
        pytest.param(b"\x83\x81\0\0\0\0x", "opcode", id="an opcode that there is not"),
        pytest.param(b"\x89\xfe\x00\x80", "control frame", id="a long ping"),
        pytest.param(b"\x09\x80\0\0\0\0", "control frame", id="a fragmented ping"),
        pytest.param(b"\x80\x80\0\0\0\0", "out of place", id="a continuation of nothing"),
        pytest.param(b"\x02\x80\0\0\0\0" * 2, "out of place", id="a message within another"),
    ],
)
def test_what_breaks_the_protocol(wire: bytes, message: str) -> None:
    with pytest.raises(WebSocketError, match=message):
        list(Decoder(masked=True, max_message_bytes=50).feed(wire))


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", id="one frame that says to be huge"),
        pytest.param((b"\x02\xb0\0\0\0\0" + bytes(48)) + (b"\x00\xb0\0\0\0\0" + bytes(48)), id="fragments"),
    ],
)
def test_a_large_message_is_refused_before_it_has_come(wire: bytes) -> None:
    with pytest.raises(WebSocketError) as caught:
        list(Decoder(masked=True, max_message_bytes=50).feed(wire))
    assert caught.value.code == CLOSE_TOO_LARGE


def test_nothing_is_read_after_a_close() -> None:
    decoder = Decoder(masked=False, max_message_bytes=50)
    wire = encode(Opcode.CLOSE, close_payload(1000, "bye")) + encode(Opcode.BINARY, b"x")
    assert [message.opcode for message in decoder.feed(wire)] == [Opcode.CLOSE]


def test_the_handshake_of_the_rfc() -> None:
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("key", ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "AAAA", "dGhlIHNhbXBsZSBub25jZQ==\r\nX: y"])
def test_a_key_that_is_none(key: str) -> None:
    with pytest.raises(WebSocketError):
        accept_value(key)


def test_protocols_of_several_lines() -> None:
    assert offered_protocols(["a, b", " c ,, "]) == ["a", "b", "c"]


@given(st.text(max_size=400))
def test_a_close_reason_is_cut_between_characters(reason: str) -> None:
    payload = close_payload(1011, reason)
    assert len(payload) <= 125
    assert reason.encode(errors="surrogatepass").startswith(payload[2:].decode().encode())
