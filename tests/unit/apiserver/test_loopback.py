"""The in-process transport behaves as a network would, without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.loopback import LOOPBACK_USER, LoopbackTransport
from headwater.apiserver.web.types import AnyResponse, Request, Response, StreamResponse
from headwater.client.interface import RequestTimeout, TransportError
from headwater.machinery.errors import NotFound


async def echo(request: Request) -> AnyResponse:
    body = await request.body(10)
    text = f"{request.method} {request.path} {request.query.raw} {request.user.name} {request.headers.get('x-a')}"
    headers = (("X-B", "1"), ("Warning", "a"), ("Warning", "b"))
    return Response(200, [text.encode(), b" ", body], "text/plain", headers)


async def test_a_request_arrives_whole_and_so_does_the_answer() -> None:
    transport = LoopbackTransport(echo, user=UserInfo("me"))
    answer = await transport.request(
        "POST", "/clusters/root%3Aa/x", query=[("a", "b c"), ("d", "&")], headers={"X-A": "1"}, body=b"body"
    )
    assert answer.body == b"POST /clusters/root:a/x a=b%20c&d=%26 me 1 body"
    assert answer.status == 200
    assert answer.headers == {"content-type": "text/plain", "x-b": "1", "warning": "a, b"}


async def test_errors_are_answers() -> None:
    async def handler(request: Request) -> AnyResponse:
        assert request.user is LOOPBACK_USER
        raise NotFound("no") if request.path == "/none" else RuntimeError("secret")

    transport = LoopbackTransport(handler)
    assert (await transport.request("GET", "/none")).status == 404
    answer = await transport.request("GET", "/")
    assert answer.status == 500
    assert b"secret" not in answer.body


async def test_the_limit_on_bodies_holds() -> None:
    answer = await LoopbackTransport(echo).request("POST", "/", body=b"x" * 11)
    assert answer.status == 413


async def test_a_closed_transport_sends_nothing() -> None:
    transport = LoopbackTransport(echo)
    await transport.close()
    with pytest.raises(TransportError) as caught:
        await transport.request("GET", "/")
    assert not caught.value.sent


async def test_an_answer_that_takes_too_long() -> None:
    async def handler(request: Request) -> AnyResponse:
        await asyncio.Event().wait()
        raise AssertionError

    transport = LoopbackTransport(handler)
    with pytest.raises(RequestTimeout):
        await transport.request("GET", "/", timeout=0.01)
    with pytest.raises(RequestTimeout):
        await transport.stream("GET", "/", timeout=0.01)


class Source:
    """A handler that streams what the test puts in."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.ended = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self.queue.get()) is not None:
            yield chunk

    def _end(self) -> None:
        self.ended += 1

    async def __call__(self, request: Request) -> AnyResponse:
        return StreamResponse(200, "application/json", self.chunks(), on_finish=[self._end])


async def test_a_stream_gives_chunks_until_its_end() -> None:
    source = Source()
    for chunk in (b"a", b"b", None):
        source.queue.put_nowait(chunk)
    stream = await LoopbackTransport(source).stream("GET", "/")
    assert (stream.status, stream.headers["content-type"]) == (200, "application/json")
    assert [chunk async for chunk in stream] == [b"a", b"b"]
    await stream.close()
    assert source.ended == 1


async def test_a_stream_can_be_closed_while_another_task_reads_it() -> None:
    source = Source()
    stream = await LoopbackTransport(source).stream("GET", "/")
    received: list[bytes] = []
    waiting = asyncio.Event()

    async def read() -> None:
        async for chunk in stream:
            received.append(chunk)
            waiting.set()

    reader = asyncio.ensure_future(read())
    source.queue.put_nowait(b"a")
    await waiting.wait()
    await asyncio.sleep(0)
    await stream.close()
    await stream.close()
    async with asyncio.timeout(30):
        await reader
    assert (received, source.ended) == ([b"a"], 1)


async def test_a_cancelled_reader_ends_the_source() -> None:
    source = Source()
    stream = await LoopbackTransport(source).stream("GET", "/")

    async def read() -> None:
        async for _ in stream:
            pass

    reader = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await stream.close()
    assert source.ended == 1


async def test_a_request_reads_a_stream_to_its_end_and_a_stream_an_answer() -> None:
    source = Source()
    for chunk in (b"a", b"b", None):
        source.queue.put_nowait(chunk)
    assert (await LoopbackTransport(source).request("GET", "/")).body == b"ab"
    assert source.ended == 1
    stream = await LoopbackTransport(echo).stream("GET", "/x")
    (chunk,) = [chunk async for chunk in stream]
    assert chunk.startswith(b"GET /x")
    await stream.close()
