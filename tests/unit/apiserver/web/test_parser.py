"""Request heads are parsed strictly: what two servers could read differently is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.web.head import MAX_HEADERS, Head, HeadError
from headwater.apiserver.web.parser import RequestParser

HOST = b"\r\nHost: h"
END = b"\r\n\r\n"


def parse(data: bytes) -> Head:
    """The one head that a connection begins with."""
    return heads(data + END)[0]


def heads(data: bytes, *, piece: int = 0, parser: RequestParser | None = None) -> list[Head]:
    """All heads in `data`, fed in pieces of a size or at once. Raises what the parser ends with."""
    parser = parser or RequestParser()
    size = piece or len(data) or 1
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
        if parser.error is not None:
            raise parser.error
    found = [head for head, _ in parser.waiting]
    parser.waiting.clear()
    return found


def test_a_plain_request() -> None:
    head = parse(b"GET /api/v1/pods?limit=5&watch=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a:  2 \r\nAccept:*/*")
    assert (head.method, head.path, head.query.get("limit"), head.query.get("watch")) == (
        "GET", "/api/v1/pods", "5", "1",
    )  # fmt: skip
    fields = head.fields
    assert fields.headers.get_all("x-a") == ["1", "2"]
    assert fields.headers["accept"] == "*/*"
    assert (fields.content_length, fields.keep_alive, fields.expects_continue, fields.upgrade) == (
        0,
        True,
        False,
        False,
    )


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
    assert parse(f"GET / HTTP/{version}\r\nHost: h{extra}".encode()).fields.keep_alive is expected


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET  / HTTP/1.1" + HOST, 400, id="two spaces"),
        pytest.param(b"GET / HTTP/2.0" + HOST, 400, id="version"),
        pytest.param(b"GET /", 400, id="HTTP 0.9"),
        pytest.param(b"get / HTTP/1.1" + HOST, 400, id="lower-case method"),
        pytest.param(b"BREW / HTTP/1.1" + HOST, 400, id="unknown method"),
        pytest.param(b"PROPFIND / HTTP/1.1" + HOST, 501, id="method that nobody serves"),
        pytest.param(b"CONNECT h:80 HTTP/1.1" + HOST, 501, id="tunnel"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM", 400, id="HTTP/2 preface"),
        pytest.param(b"GET / HTTP/1.2" + HOST, 400, id="minor version"),
        pytest.param(b"GET / HTTP/0.9" + HOST, 400, id="version 0.9"),
        pytest.param(b"GET / http/1.1" + HOST, 400, id="lower-case protocol"),
        pytest.param(b"GET / RTSP/1.0" + HOST, 400, id="another protocol"),
        pytest.param(b"GET / HTTP/1.1 " + HOST, 400, id="space after the version"),
        pytest.param(b" GET / HTTP/1.1" + HOST, 400, id="space before the method"),
        pytest.param(b"GET\t/ HTTP/1.1" + HOST, 400, id="tab"),
        pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", 400, id="bare line feeds throughout"),
        pytest.param(b"GET /a\x01 HTTP/1.1" + HOST, 400, id="control character in the target"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1" + HOST, 400, id="raw bytes in the target"),
        pytest.param(b"GET /%ff HTTP/1.1" + HOST, 400, id="not UTF-8"),
        pytest.param(b"GET * HTTP/1.1" + HOST, 400, id="asterisk form"),
        pytest.param(b"GET ftp://h/ HTTP/1.1" + HOST, 400, id="foreign scheme"),
        pytest.param(b"GET /?" + b"a&" * 300 + b" HTTP/1.1" + HOST, 400, id="too many parameters"),
        pytest.param(b"GET / HTTP/1.1", 400, id="no host"),
        pytest.param(b"GET / HTTP/1.1" + HOST + HOST, 400, id="two hosts"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX : 1", 400, id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\n folded", 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\r\n\tfolded", 400, id="line folded with a tab"),
        pytest.param(b"GET / HTTP/1.1\r\n folded: x" + HOST, 400, id="space before the first header"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nnothing", 400, id="no colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\n: x", 400, id="no name"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\nY: b", 400, id="bare line feed"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\rb", 400, id="bare carriage return"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\x00b", 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: a\x7fb", 400, id="DEL"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX\xc4: a", 400, id="header name"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nContent-Length: 1", 400, id="two lengths"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\ncontent-length: 2", 400, id="conflicting"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: +1", 400, id="signed length"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1 1", 400, id="length with a space"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: " + b"9" * 30, 400, id="length beyond 64 bits"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1, 1", 400, id="listed lengths"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: ", 400, id="empty length"),
        pytest.param(
            b"POST / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400, id="both framings"
        ),
        pytest.param(
            b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 1", 400, id="both, turned"
        ),
        pytest.param(b"POST / HTTP/1.0" + HOST + b"\r\nTransfer-Encoding: chunked", 400, id="chunked in 1.0"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: gzip", 501, id="no end of the body"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: chunked, chunked", 400, id="chunked twice"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: ", 400, id="empty coding"),
        pytest.param(
            b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked", 400, id="two codings"
        ),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: gzip, chunked", 501, id="other coding"),
        pytest.param(b"POST / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: chunked" * 2, 400, id="coding twice"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nX: 1" * MAX_HEADERS, 431, id="too many headers"),
    ],
)
@pytest.mark.parametrize("piece", [pytest.param(0, id="at once"), pytest.param(1, id="byte by byte")])
def test_refusals(data: bytes, status: int, piece: int) -> None:
    with pytest.raises(HeadError) as caught:
        heads(data + END, piece=piece)
    assert caught.value.status == status


@pytest.mark.parametrize("piece", [0, 1, 7, 50])
def test_heads_come_out_the_same_however_the_network_cuts_them(piece: int) -> None:
    lines = [b"GET /%d HTTP/1.1\r\nHost: h\r\nX: %d\r\n\r\n" % (n, n) for n in range(4)]
    found = heads(b"\r\n" + b"\r\n".join(lines), piece=piece)
    assert [(head.path, head.fields.headers["x"]) for head in found] == [(f"/{n}", str(n)) for n in range(4)]


@pytest.mark.parametrize("piece", [1000, 16 * 1024, 65 * 1024])
def test_a_head_that_is_too_large_is_refused_before_it_ends(piece: int) -> None:
    with pytest.raises(HeadError) as caught:
        heads(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 66_000, piece=piece)
    assert caught.value.status == 431


def test_a_large_head_beside_a_large_body_is_taken() -> None:
    data = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\nX: " + b"x" * 60_000 + END + b"y" * 60_000
    assert len(heads(data, piece=16 * 1024)) == 1


def test_equal_header_lines_are_read_once_and_different_ones_anew() -> None:
    parser = RequestParser()
    first, second = heads(
        b"GET /a HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\n", parser=parser
    )
    assert (first.path, second.path) == ("/a", "/b")
    assert second.fields is first.fields
    assert heads(b"GET /c HTTP/1.1\r\nHost: h\r\nX: 2\r\n\r\n", parser=parser)[0].fields.headers["x"] == "2"
    # The same lines mean something else in the other version.
    assert heads(b"GET /d HTTP/1.1\r\nHost: h\r\n\r\n", parser=parser)[0].fields.keep_alive
    assert not heads(b"GET /d HTTP/1.0\r\nHost: h\r\n\r\n", parser=parser)[0].fields.keep_alive


def test_a_request_before_a_broken_one_is_still_given() -> None:
    parser = RequestParser()
    parser.feed(b"GET /good HTTP/1.1\r\nHost: h\r\n\r\nGET  /bad HTTP/1.1\r\nHost: h\r\n\r\n")
    assert [head.path for head, _ in parser.waiting] == ["/good"]
    assert parser.error is not None
    assert parser.error.status == 400


def test_text_beyond_ascii_is_taken_in_values_and_space_around_them_is_not() -> None:
    headers = parse(b"GET / HTTP/1.1\r\nHost: h\r\nX: \t caf\xe9\tx \t\r\nEmpty:\r\nBlank:  ").fields.headers
    assert (headers["x"], headers["empty"], headers["blank"]) == ("caf\xe9\tx", "", "")


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade"])
def test_a_request_for_an_upgrade_is_a_request_like_others(connection: str) -> None:
    asking = f"GET /exec HTTP/1.1\r\nHost: h\r\nConnection: {connection}\r\nUpgrade: websocket\r\n\r\n".encode()
    found = heads(asking + b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n" + asking)
    assert [(head.path, head.fields.upgrade) for head in found] == [("/exec", True), ("/next", False), ("/exec", True)]


@given(st.binary(max_size=400), st.integers(1, 100))
def test_any_bytes_give_heads_or_a_refusal(data: bytes, piece: int) -> None:
    try:
        found = heads(data, piece=piece)
    except HeadError as error:
        assert error.status in (400, 431, 501)
    else:
        assert all(head.path.startswith("/") for head in found)
