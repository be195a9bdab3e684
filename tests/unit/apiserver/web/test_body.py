"""Bodies come out the same however the network cuts them, and what follows them is the next request."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.web.parser import MAX_FRAMING_BYTES, Body, RequestParser

NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"


def feed(data: bytes, cuts: list[int]) -> RequestParser:
    """A parser that was fed with data in pieces."""
    parser = RequestParser()
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(borders):
        parser.feed(data[start:end])
    return parser


def bodies(parser: RequestParser) -> list[tuple[str, bytes]]:
    """The path and the body of every request, all complete."""
    assert parser.error is None
    assert all(body is None or body.complete for _, body in parser.waiting)
    return [(head.path, b"" if body is None else b"".join(body.pieces)) for head, body in parser.waiting]


@given(st.binary(max_size=200), st.lists(st.integers(0, 500), max_size=6), st.sampled_from([b"", UPGRADE]))
def test_a_body_of_known_length_leaves_the_next_request_alone(content: bytes, cuts: list[int], extra: bytes) -> None:
    data = b"POST /first HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b" % (extra, len(content), content)
    assert bodies(feed(data + NEXT, cuts)) == [("/first", content), ("/next", b"")]


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=5),
    st.lists(st.integers(0, 800), max_size=8),
    st.sampled_from([b"", UPGRADE]),
)
def test_a_chunked_body_leaves_the_next_request_alone(chunks: list[bytes], cuts: list[int], extra: bytes) -> None:
    data = b"POST /first HTTP/1.1\r\nHost: h\r\n%bTransfer-Encoding: Chunked\r\n\r\n" % extra
    data += b"".join(b"%X;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nTrailer: x\r\n\r\n"
    assert bodies(feed(data + NEXT, cuts)) == [("/first", b"".join(chunks)), ("/next", b"")]


def chunked(data: bytes, *, piece: int) -> tuple[RequestParser, Body]:
    parser = RequestParser()
    parser.feed(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    body = parser.waiting[0][1]
    assert body is not None
    for start in range(0, len(data), piece):
        if parser.error is None:
            parser.feed(data[start : start + piece])
    return parser, body


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"g\r\n", id="no hex"),
        pytest.param(b"-1\r\n", id="negative"),
        pytest.param(b"0x1\r\n", id="prefix"),
        pytest.param(b"fffffffffffffffff\r\n", id="beyond 64 bits"),
        pytest.param(b"\r\n", id="no size"),
        pytest.param(b"1 \r\n", id="space after the size"),
        pytest.param(b"1\na\r\n", id="bare line feed after the size"),
        pytest.param(b"1\r\na\n0\r\n", id="bare line feed after the data"),
        pytest.param(b"1;a\nb\r\n", id="bare line feed in an extension"),
        pytest.param(b"1;a\x00b\r\n", id="control character in an extension"),
        pytest.param(b"1\r\nabc\r\n", id="chunk longer than announced"),
        pytest.param(b"0\r\nContent-Length: 5\r\n\r\n", id="length in a trailer"),
        pytest.param(b"0\r\nA: b\r\n folded\r\n\r\n", id="folded trailer"),
        pytest.param(b"1;" + b"a" * (MAX_FRAMING_BYTES + 1000), id="endless extension"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * (MAX_FRAMING_BYTES // 5), id="endless trailers"),
        pytest.param(b"0\r\nA: " + b"b" * (MAX_FRAMING_BYTES + 2000), id="endless trailer"),
    ],
)
def test_broken_framing_ends_the_connection(data: bytes, piece: int) -> None:
    parser, body = chunked(data, piece=piece)
    assert parser.error is not None
    assert parser.error.status == 400
    assert body.error
    assert not body.complete


def test_many_small_chunks_are_not_too_much_framing() -> None:
    parser, body = chunked(b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", piece=1000)
    assert parser.error is None
    assert body.complete
    assert body.received == 20_000
