"""Clients that are slow, huge, or wrong get a Status where one can be sent, and never more than their share."""

from __future__ import annotations

import asyncio

import pytest

from headwater.apiserver.web.types import AnyResponse, Request, Response

from .conftest import Connect, Serve, no_longer_than

OK = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def reading(request: Request) -> AnyResponse:
    return Response(200, str(len(await request.body(1 << 20))).encode(), "text/plain")


async def ignoring(request: Request) -> AnyResponse:
    return Response(403, b"no", "text/plain")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70_000, 431, id="endless header"),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431, id="huge target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h" + b"\r\nX: 1" * 200 + b"\r\n\r\n", 431, id="too many headers"),
        pytest.param(b"nonsense\r\n\r\n", 400, id="nonsense"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, id="TLS to a plain port"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400, id="bad length"),
    ],
)
async def test_bad_heads_get_a_status_and_the_door(serve: Serve, connect: Connect, data: bytes, expected: int) -> None:
    server, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(data)
        status, obj = await wire.status_object()
        assert (status, obj["kind"], obj["code"], obj["status"]) == (expected, "Status", expected, "Failure")
        assert await wire.closed()
    assert server.connections == 0


async def test_an_announced_body_over_the_limit_is_refused_at_once(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")
        status, obj = await wire.status_object()
        assert (status, obj["reason"]) == (413, "RequestEntityTooLarge")
        assert await wire.closed()


async def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 20)
        status, _ = await wire.status_object()
        assert status == 413
        assert await wire.closed()


async def test_a_body_that_nobody_reads_is_skipped_when_short(serve: Serve, connect: Connect) -> None:
    _, port = await serve(ignoring)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(1000))
        assert (await wire.response())[0] == 403
        wire.send(bytes(99_000) + OK)
        assert (await wire.response())[0] == 403


async def test_a_body_that_nobody_reads_ends_the_connection_when_long(serve: Serve, connect: Connect) -> None:
    _, port = await serve(ignoring, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n" + bytes(1_000_000))
        status, headers, _ = await wire.response()
        assert (status, headers["connection"]) == (403, "close")
        assert await wire.closed()


async def test_broken_chunks_are_a_bad_request(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        status, obj = await wire.status_object()
        assert (status, obj["reason"]) == (400, "BadRequest")
        assert await wire.closed()


async def test_garbage_after_a_request_is_refused_after_its_answer(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcd" + OK)
        assert (await wire.response())[2] == b"3"
        assert (await wire.status_object())[0] == 400
        assert await wire.closed()


async def test_endless_chunk_extensions_are_refused(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 50_000)
        assert (await wire.status_object())[0] == 400
        assert await wire.closed()


async def test_a_slow_head_is_told_and_ended(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, head_timeout=0.0, linger_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHo")
        assert (await wire.status_object())[0] == 408
        assert await wire.closed()


async def test_a_slow_body_is_ended(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, body_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        assert await wire.closed()


async def test_an_idle_connection_is_ended(serve: Serve, connect: Connect) -> None:
    _, port = await serve(reading, idle_timeout=0.0)
    wire = await connect(port)
    async with no_longer_than():
        assert await wire.closed()


async def test_one_connection_too_many_is_told(serve: Serve, connect: Connect) -> None:
    server, port = await serve(reading, max_connections=1)
    async with no_longer_than():
        first = await connect(port)
        first.send(OK)
        await first.response()
        second = await connect(port)
        assert (await second.status_object())[0] == 503
        assert await second.closed()
        first.send(OK)
        assert (await first.response())[0] == 200
        assert server.connections == 1


async def test_pipelining_without_reading_is_held_back(serve: Serve, connect: Connect) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> AnyResponse:
        entered.set()
        await release.wait()
        return Response(200, b"ok")

    _, port = await serve(slow)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(OK)
        await entered.wait()
        wire.send(OK * 40_000)
        # The transport can't get rid of a megabyte: the server has stopped reading.
        for _ in range(20):
            await asyncio.sleep(0)
        release.set()
        for _ in range(5):
            assert (await wire.response())[0] == 200
        wire.writer.transport.abort()


async def test_a_client_that_goes_away_cancels_its_request(serve: Serve, connect: Connect) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> AnyResponse:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    server, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(OK)
        await entered.wait()
        wire.writer.close()
        await cancelled.wait()
        assert server.connections == 0


async def test_a_handler_that_breaks_its_response_costs_only_the_connection(serve: Serve, connect: Connect) -> None:
    async def handler(request: Request) -> AnyResponse:
        return Response(200, None) if request.path == "/bad" else Response(200, b"ok")  # type: ignore[arg-type]

    _, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET /bad HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await wire.closed()
        other = await connect(port)
        other.send(OK)
        assert (await other.response())[0] == 200


@pytest.mark.parametrize("seed", range(3))
async def test_garbage_never_stops_the_server(serve: Serve, connect: Connect, seed: int) -> None:
    import random

    source = random.Random(seed)
    _, port = await serve(reading, linger_timeout=0.0, head_timeout=0.0, body_timeout=0.0)
    async with no_longer_than():
        for _ in range(20):
            wire = await connect(port)
            pieces = [
                OK,
                b"\r\n\r\n",
                b"GET ",
                b"Content-Length: 5\r\n",
                source.randbytes(30),
                b"0\r\n\r\n",
                b"Host: h",
            ]
            wire.send(b"".join(source.choice(pieces) for _ in range(source.randrange(1, 12))))
            wire.writer.close()
        wire = await connect(port)
        wire.send(OK)
        assert (await wire.response())[0] == 200
