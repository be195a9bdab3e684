"""Streams: bursts leave together, slow readers are felt, and whoever counts a stream learns of its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from headwater.apiserver.web.types import AnyResponse, Request, Response, StreamResponse

from .conftest import Connect, Serve, no_longer_than

WATCH = b"GET /watch HTTP/1.1\r\nHost: h\r\n\r\n"


class Source:
    """Chunks under the test's control."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self.taken = 0
        self.finished = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self.queue.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            self.taken += 1
            yield chunk

    async def handler(self, request: Request) -> AnyResponse:
        return StreamResponse(200, "application/json", self.chunks(), on_finish=[self.finished.set])


async def test_waiting_chunks_leave_in_one_write(serve: Serve, connect: Connect) -> None:
    source = Source()
    for number in range(100):
        source.queue.put_nowait(b"%d\n" % number)
    _, port = await serve(source.handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(WATCH)
        status, headers = await wire.head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        chunks = wire.chunks()
        assert await anext(chunks) == b"".join(b"%d\n" % n for n in range(100))
        source.queue.put_nowait(b"later\n")
        assert await anext(chunks) == b"later\n"


async def test_the_connection_is_usable_after_a_stream(serve: Serve, connect: Connect) -> None:
    source = Source()
    _, port = await serve(source.handler)
    wire = await connect(port)
    async with no_longer_than():
        for _ in range(2):
            source.queue.put_nowait(b"one")
            source.queue.put_nowait(None)
            wire.send(WATCH)
            assert (await wire.response())[2] == b"one"
        await source.finished.wait()


async def test_http_1_0_gets_the_bytes_alone_and_then_the_end(serve: Serve, connect: Connect) -> None:
    source = Source()
    source.queue.put_nowait(b"one")
    source.queue.put_nowait(None)
    _, port = await serve(source.handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET /watch HTTP/1.0\r\n\r\n")
        assert "transfer-encoding" not in (await wire.head())[1]
        assert await wire.reader.read() == b"one"


async def test_a_lost_client_ends_the_source(serve: Serve, connect: Connect) -> None:
    source = Source()
    server, port = await serve(source.handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(WATCH)
        await wire.head()
        assert server.streams() == 1
        wire.writer.transport.abort()
        await source.finished.wait()
        assert server.connections == 0


async def test_a_failing_source_cuts_the_answer_visibly(serve: Serve, connect: Connect) -> None:
    source = Source()
    _, port = await serve(source.handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(WATCH)
        await wire.head()
        source.queue.put_nowait(RuntimeError("broken"))
        # No end mark: the client can tell that there was more.
        assert b"0\r\n\r\n" not in await wire.reader.read()
        await source.finished.wait()


async def test_a_client_that_does_not_read_stops_the_source(serve: Serve, connect: Connect) -> None:
    source = Source()
    _, port = await serve(source.handler)
    wire = await connect(port)
    wire.writer.transport.pause_reading()
    async with no_longer_than():
        wire.send(WATCH)
        for _ in range(64):
            source.queue.put_nowait(bytes(1 << 20))
        quiet, before = 0, -1
        while quiet < 200 or not source.taken:
            quiet = quiet + 1 if source.taken == before else 0
            before = source.taken
            await asyncio.sleep(0)
        # Whatever the kernel's buffers hold, the server asks for no more.
        assert 0 < source.taken < 32
        wire.writer.transport.resume_reading()


async def test_a_client_that_never_reads_is_cut_off(serve: Serve, connect: Connect) -> None:
    source = Source()
    server, port = await serve(source.handler, write_timeout=0.0)
    wire = await connect(port)
    wire.writer.transport.pause_reading()
    async with no_longer_than():
        wire.send(WATCH)
        for _ in range(64):
            source.queue.put_nowait(bytes(1 << 20))
        await source.finished.wait()
        assert server.connections == 0


async def test_stopping_ends_streams_in_order_and_refuses_new_ones(serve: Serve, connect: Connect) -> None:
    source = Source()
    server, port = await serve(source.handler)
    watching, idle = await connect(port), await connect(port)
    async with no_longer_than():
        watching.send(WATCH)
        await watching.head()
        source.queue.put_nowait(b"last")
        chunks = watching.chunks()
        assert await anext(chunks) == b"last"
        await server.stop(grace=2)
        assert [chunk async for chunk in chunks] == []
        assert await idle.closed()
        assert source.finished.is_set()


async def test_stopping_lets_requests_finish_within_the_grace(serve: Serve, connect: Connect) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> AnyResponse:
        entered.set()
        await release.wait()
        return Response(200, b"done")

    server, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await entered.wait()
        stopping = asyncio.create_task(server.stop(grace=4))
        await asyncio.sleep(0)
        release.set()
        status, headers, body = await wire.response()
        assert (status, headers["connection"], body) == (200, "close", b"done")
        await stopping


async def test_stopping_without_grace_cuts_what_is_left(serve: Serve, connect: Connect) -> None:
    entered = asyncio.Event()

    async def handler(request: Request) -> AnyResponse:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    server, port = await serve(handler)
    wire = await connect(port)
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await entered.wait()
        await server.stop(grace=0)
        assert await wire.reader.read() == b""
