"""Properties of the tunnel's frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.tunnel.frames import (
    MAX_DATA_BYTES,
    MAX_HEAD_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_REASON_BYTES,
    WINDOW_BYTES,
    Frame,
    FrameError,
    FrameType,
    decode,
    reason_frame,
    window_frame,
)

streams = st.integers(1, 2**32 - 1)
frames = st.one_of(
    st.builds(Frame, st.sampled_from([FrameType.OPEN, FrameType.ANSWER]), streams, st.binary(max_size=200)),
    st.builds(Frame, st.just(FrameType.DATA), streams, st.binary(min_size=1, max_size=MAX_DATA_BYTES)),
    st.builds(Frame, st.just(FrameType.END), streams, st.just(b"")),
    st.builds(window_frame, streams, st.integers(1, WINDOW_BYTES)),
    st.builds(lambda stream, text: reason_frame(FrameType.RESET, stream, text), streams, st.text(max_size=900)),
    st.builds(lambda text: reason_frame(FrameType.BYE, 0, text), st.text(max_size=900)),
    st.builds(Frame, st.just(FrameType.RENEW), st.just(0), st.binary(max_size=2000)),
    st.builds(Frame, st.sampled_from([FrameType.PING, FrameType.PONG]), st.just(0), st.binary(max_size=8)),
)


@given(frames)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    """And fits into the message that a link has to carry."""
    message = frame.encode()
    assert decode(message) == frame
    assert len(message) <= MAX_MESSAGE_BYTES


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_refused(message: bytes) -> None:
    try:
        frame = decode(message)
    except FrameError:
        return
    assert frame.encode() == message


@given(st.text(max_size=2000))
def test_a_reason_is_one_line_of_bounded_length(text: str) -> None:
    """It goes into logs and to clients, whoever wrote it."""
    reason = decode(reason_frame(FrameType.RESET, 1, text).encode()).reason
    assert reason.isprintable()
    assert len(reason) <= MAX_REASON_BYTES


def test_a_credential_is_not_shown() -> None:
    assert "secret" not in repr(Frame(FrameType.RENEW, 0, b"Bearer secret"))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x03\x00\x00\x00", id="cut"),
        pytest.param(b"\x63\x00\x00\x00\x01", id="unknown type"),
        pytest.param(b"\x03\x00\x00\x00\x00x", id="data for the session"),
        pytest.param(b"\x03\x00\x00\x00\x01", id="data without data"),
        pytest.param(b"\x03\x00\x00\x00\x01" + bytes(MAX_DATA_BYTES + 1), id="too much data"),
        pytest.param(b"\x01\x00\x00\x00\x01" + bytes(MAX_HEAD_BYTES + 1), id="too large a head"),
        pytest.param(b"\x04\x00\x00\x00\x01\x00\x00", id="a credit that is cut"),
        pytest.param(b"\x04\x00\x00\x00\x01\x00\x00\x00\x00", id="a credit of nothing"),
        pytest.param(b"\x04\x00\x00\x00\x01\xff\xff\xff\xff", id="a credit beyond the window"),
        pytest.param(b"\x05\x00\x00\x00\x01x", id="an end with a payload"),
        pytest.param(b"\x07\x00\x00\x00\x01", id="a ping for a stream"),
    ],
)
def test_what_is_refused(message: bytes) -> None:
    with pytest.raises(FrameError):
        decode(message)
