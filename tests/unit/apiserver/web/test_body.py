"""Bodies come out the same however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.web.body import BodyDecoder, BodyError, ChunkedBody, SizedBody


def feed(body: BodyDecoder, data: bytes, cuts: list[int]) -> bytes:
    """Feeds data in pieces; returns what is left in the input."""
    pending = bytearray()
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(borders):
        pending += data[start:end]
        body.feed(pending)
    return bytes(pending)


@given(st.binary(max_size=200), st.binary(max_size=50), st.lists(st.integers(0, 300), max_size=6))
def test_a_sized_body_leaves_the_next_request_alone(content: bytes, following: bytes, cuts: list[int]) -> None:
    body = SizedBody(len(content))
    left = feed(body, content + following, cuts)
    assert (bytes(body.received), left, body.complete) == (content, following, True)


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=5),
    st.binary(max_size=50),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_a_chunked_body_leaves_the_next_request_alone(chunks: list[bytes], following: bytes, cuts: list[int]) -> None:
    encoded = b"".join(b"%X;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    body = ChunkedBody()
    left = feed(body, encoded + b"0\r\nTrailer: x\r\n\r\n" + following, cuts)
    assert (bytes(body.received), left, body.complete) == (b"".join(chunks), following, True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"g\r\n", id="no hex"),
        pytest.param(b"-1\r\n", id="negative"),
        pytest.param(b"0x1\r\n", id="prefix"),
        pytest.param(b"fffffffff\r\n", id="too long a number"),
        pytest.param(b"\r\n", id="no size"),
        pytest.param(b"1\r\nabc\r\n", id="chunk longer than announced"),
        pytest.param(b"1" + b" " * 600, id="endless line"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 2000, id="endless trailers"),
    ],
)
def test_broken_framing(data: bytes) -> None:
    with pytest.raises(BodyError):
        ChunkedBody().feed(bytearray(data))
