"""What a well-behaved client sees of the server."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from headwater.apiserver.web.types import AnyResponse, Request, Response
from headwater.machinery.errors import Conflict

from .conftest import Connect, Serve, no_longer_than


async def echo(request: Request) -> AnyResponse:
    body = await request.body(3 << 20)
    return Response(200, f"{request.method} {request.path} {request.query.raw} {len(body)}".encode(), "text/plain")


async def test_requests_follow_each_other_on_one_connection(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    async with no_longer_than():
        for number in range(3):
            wire.send(b"POST /x?n=%d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" % number)
            status, headers, body = await wire.response()
            assert (status, body) == (200, b"POST /x n=%d 3" % number)
            assert headers["content-type"] == "text/plain"
            assert "date" in headers


async def test_pipelined_requests_are_answered_in_order(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(50)))
        for number in range(50):
            _, _, body = await wire.response()
            assert body == b"GET /%d  0" % number


async def test_bodies_of_pipelined_requests_stay_apart(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    lengths = [0, 5, 100_000, 1, 300_000, 0, 7]
    async with no_longer_than():
        for number, length in enumerate(lengths):
            wire.send(b"PUT /%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (number, length) + bytes(length))
        for number, length in enumerate(lengths):
            assert (await wire.response())[2] == b"PUT /%d  %d" % (number, length)


async def test_a_request_for_an_upgrade_is_served_without_one(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    upgrade = b"Host: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    async with no_longer_than():
        wire.send(
            b"POST /up HTTP/1.1\r\n" + upgrade + b"Content-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        assert (await wire.response())[2] == b"POST /up  3"
        assert (await wire.response())[2] == b"GET /next  0"


async def test_a_request_may_arrive_byte_by_byte(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    async with no_longer_than():
        for byte in b"\r\nPOST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            wire.send(bytes([byte]))
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert (await wire.response())[2] == b"POST /a  3"


async def test_head_and_empty_statuses_have_no_body(serve: Serve, connect: Connect) -> None:
    async def handler(request: Request) -> AnyResponse:
        return Response(204 if request.path == "/none" else 200, b"12345")

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await wire.head())[1]["content-length"] == "5"
        wire.send(b"GET /none HTTP/1.1\r\nHost: h\r\n\r\n")
        status, headers = await wire.head()
        assert status == 204
        assert "content-length" not in headers
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await wire.response())[2] == b"12345"


async def test_connection_close_and_http_1_0_end_the_connection(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    for data in (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        wire = await connect(port)
        async with no_longer_than():
            wire.send(data)
            status, headers, _ = await wire.response()
            assert (status, headers["connection"]) == (200, "close")
            assert await wire.closed()


async def test_errors_become_statuses_and_unexpected_ones_tell_nothing(serve: Serve, connect: Connect) -> None:
    async def handler(request: Request) -> AnyResponse:
        if request.path == "/conflict":
            raise Conflict("try again", retry_after_seconds=2)
        raise RuntimeError("the secret cause")

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET /conflict HTTP/1.1\r\nHost: h\r\n\r\n")
        status, headers, body = await wire.response()
        assert (status, headers["retry-after"]) == (409, "2")
        assert b'"reason":"Conflict"' in body
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        status, obj = await wire.status_object()
        assert (status, obj["kind"], obj["reason"]) == (500, "Status", "InternalError")
        assert "secret" not in str(obj)


@pytest.mark.parametrize(
    ("accept", "encoded"),
    [
        pytest.param("gzip", True, id="asked for"),
        pytest.param("br, GZIP;q=0.5", True, id="among others"),
        pytest.param("gzip;q=0", False, id="refused"),
        pytest.param("br", False, id="another coding"),
    ],
)
async def test_large_bodies_are_compressed_when_asked(
    serve: Serve, connect: Connect, accept: str, encoded: bool
) -> None:
    content = b"x" * 200_000

    async def handler(request: Request) -> AnyResponse:
        return Response(200, [content[:100_000], content[100_000:]])

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(f"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {accept}\r\n\r\n".encode())
        _, headers, body = await wire.response()
        assert ("content-encoding" in headers) is encoded
        assert (gzip.decompress(body) if encoded else body) == content


async def test_small_bodies_stay_as_they_are(serve: Serve, connect: Connect) -> None:
    _, port = await serve(echo)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
        assert "content-encoding" not in (await wire.response())[1]


async def test_a_large_body_arrives_whole(serve: Serve, connect: Connect) -> None:
    content = bytes(range(256)) * 20_000

    async def handler(request: Request) -> AnyResponse:
        return Response(200, content)

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await wire.response())[2] == content


async def test_continue_is_sent_only_when_the_body_is_wanted(serve: Serve, connect: Connect) -> None:
    async def handler(request: Request) -> AnyResponse:
        return await echo(request) if request.path == "/read" else Response(403, b"no")

    _, port = await serve(handler)
    expecting = b"Host: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with no_longer_than():
        wire = await connect(port)
        wire.send(b"POST /read HTTP/1.1\r\n" + expecting)
        assert (await wire.head())[0] == 100
        wire.send(b"ab")
        assert (await wire.response())[2] == b"POST /read  2"
        wire.send(b"POST /refuse HTTP/1.1\r\n" + expecting)
        status, headers, _ = await wire.response()
        # Whether the client sends the body now can't be known, so the connection can't go on.
        assert (status, headers["connection"]) == (403, "close")


async def test_a_header_value_cannot_add_headers(serve: Serve, connect: Connect) -> None:
    async def handler(request: Request) -> AnyResponse:
        return Response(200, b"", headers=(("Warning", "a\r\nSet-Cookie: b"),))

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert "set-cookie" not in (await wire.head())[1]
