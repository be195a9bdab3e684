"""Request heads are parsed strictly: what two servers could read differently is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.web.head import MAX_HEADERS, Head, HeadError, HeadReader

HOST = b"\r\nHost: h"


def parse(data: bytes) -> Head:
    return HeadReader().parse(data)


def test_a_plain_request() -> None:
    head = parse(b"GET /api/v1/pods?limit=5&watch=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a:  2 \r\nAccept:*/*")
    assert (head.method, head.path, head.query.get("limit"), head.query.get("watch")) == (
        "GET", "/api/v1/pods", "5", "1",
    )  # fmt: skip
    assert head.headers.get_all("x-a") == ["1", "2"]
    assert head.headers["accept"] == "*/*"
    assert (head.content_length, head.keep_alive, head.expects_continue) == (0, True, False)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param("/clusters/root%3Aorg/api", "/clusters/root:org/api", "", id="percent decoding"),
        pytest.param("/a%20b?x=%2F", "/a b", "x=%2F", id="the query is decoded later"),
        pytest.param("http://example.org/api?x=1", "/api", "x=1", id="absolute form"),
        pytest.param("https://example.org", "/", "", id="absolute form without a path"),
        pytest.param("/?", "/", "", id="empty query"),
    ],
)
def test_targets(target: str, path: str, query: str) -> None:
    head = parse(f"GET {target} HTTP/1.1".encode() + HOST)
    assert (head.path, head.query.raw) == (path, query)


@pytest.mark.parametrize(
    ("version", "connection", "expected"),
    [
        pytest.param("1.1", "", True, id="1.1 stays"),
        pytest.param("1.1", "close", False, id="1.1 close"),
        pytest.param("1.1", "Upgrade, Close", False, id="close among others"),
        pytest.param("1.0", "", False, id="1.0 closes"),
        pytest.param("1.0", "Keep-Alive", True, id="1.0 keep-alive"),
    ],
)
def test_keep_alive(version: str, connection: str, expected: bool) -> None:
    extra = f"\r\nConnection: {connection}" if connection else ""
    assert parse(f"GET / HTTP/{version}\r\nHost: h{extra}".encode()).keep_alive is expected


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET  / HTTP/1.1" + HOST, 400, id="two spaces"),
        pytest.param(b"GET / HTTP/2.0" + HOST, 400, id="version"),
        pytest.param(b"GET /", 400, id="HTTP 0.9"),
        pytest.param(b"get / HTTP/1.1" + HOST, 501, id="lower-case method"),
        pytest.param(b"BREW / HTTP/1.1" + HOST, 501, id="unknown method"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1" + HOST, 400, id="raw bytes in the target"),
        pytest.param(b"GET /%ff HTTP/1.1" + HOST, 400, id="not UTF-8"),
        pytest.param(b"GET * HTTP/1.1" + HOST, 400, id="asterisk form"),
        pytest.param(b"GET ftp://h/ HTTP/1.1" + HOST, 400, id="foreign scheme"),
        pytest.param(b"GET /?" + b"a&" * 300 + b" HTTP/1.1" + HOST, 400, id="too many parameters"),
        pytest.param(b"GET / HTTP/1.1", 400, id="no host"),
        pytest.param(b"GET / HTTP/1.1" + HOST + HOST, 400, id="two hosts"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX : 1", 400, id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\n folded", 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nnothing", 400, id="no colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\nY: b", 400, id="bare line feed"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\rb", 400, id="bare carriage return"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\x00b", 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX\xc4: a", 400, id="header name"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nContent-Length: 1", 400, id="two lengths"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: +1", 400, id="signed length"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1, 1", 400, id="listed lengths"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: ", 400, id="empty length"),
        pytest.param(
            b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400, id="both framings"
        ),
        pytest.param(b"POST / HTTP/1.0" + HOST + b"\r\nTransfer-Encoding: chunked", 400, id="chunked in 1.0"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: gzip, chunked", 501, id="other coding"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: chunked" * 2, 400, id="coding twice"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: 1" * MAX_HEADERS, 431, id="too many headers"),
    ],
)
def test_refusals(data: bytes, status: int) -> None:
    with pytest.raises(HeadError) as caught:
        parse(data)
    assert caught.value.status == status


def test_equal_header_lines_are_parsed_once_and_different_ones_anew() -> None:
    reader = HeadReader()
    first = reader.parse(b"GET /a HTTP/1.1\r\nHost: h\r\nX: 1")
    assert reader.parse(b"GET /b HTTP/1.1\r\nHost: h\r\nX: 1").headers is first.headers
    assert reader.parse(b"GET /c HTTP/1.1\r\nHost: h\r\nX: 2").headers["x"] == "2"
    # The same lines mean something else in the other version.
    assert reader.parse(b"GET /d HTTP/1.1\r\nHost: h").keep_alive
    assert not reader.parse(b"GET /d HTTP/1.0\r\nHost: h").keep_alive


def test_a_refused_head_leaves_the_reader_usable() -> None:
    reader = HeadReader()
    with pytest.raises(HeadError):
        reader.parse(b"GET / HTTP/1.1\r\nHost: h\r\nX\x01: 1")
    assert reader.parse(b"GET / HTTP/1.1\r\nHost: h").path == "/"


def test_text_beyond_ascii_is_taken_in_values() -> None:
    assert parse(b"GET / HTTP/1.1\r\nHost: h\r\nX: caf\xe9\tx").headers["x"] == "caf\xe9\tx"


@given(st.binary(max_size=400))
def test_any_bytes_give_a_head_or_a_refusal(data: bytes) -> None:
    try:
        head = parse(data)
    except HeadError as error:
        assert error.status in (400, 431, 501)
    else:
        assert head.path.startswith("/")
