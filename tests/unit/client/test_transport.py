"""The network transport against a server that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from headwater.base.clock import ManualClock
from headwater.client.connection import ConfigError, ConnectionSettings
from headwater.client.interface import RequestTimeout, TransportError
from headwater.client.transport import NetworkTransport

Answer = Callable[[asyncio.StreamWriter, int], None]


@dataclass(slots=True)
class Server:
    """A server on a local port that records requests and answers with the given function."""

    answer: Answer
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((head[0], headers, body))
                self.answer(writer, len(self.requests))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def respond(writer: asyncio.StreamWriter, status: int, body: bytes = b"{}", headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)


@asynccontextmanager
async def serving(answer: Answer, **settings: str) -> AsyncIterator[tuple[Server, NetworkTransport, ManualClock]]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    clock = ManualClock()
    url = f"http://127.0.0.1:{server.port}/base"
    transport = NetworkTransport(ConnectionSettings(server=url, **settings), clock=clock)  # type: ignore[arg-type]
    try:
        yield server, transport, clock
    finally:
        await transport.close()
        listener.close()
        await listener.wait_closed()


async def test_a_request_and_its_answer() -> None:
    """Base path, query, headers, token and body arrive as given; header names of the answer are lower case."""
    async with serving(lambda writer, _: respond(writer, 201, b"yes", "X-Thing: a\r\n"), token="t") as (server, it, _):
        response = await it.request(
            "POST", "/clusters/root:a/x%2Fy", query=[("a", "b c"), ("a", "*")], headers={"accept": "j"}, body=b"body"
        )
        assert (response.status, response.body, response.headers["x-thing"]) == (201, b"yes", "a")
        ((line, headers, body),) = server.requests
        assert line == "POST /base/clusters/root:a/x%2Fy?a=b+c&a=%2A HTTP/1.1"
        assert (headers["authorization"], headers["accept"], body) == ("bearer t", "j", b"body")
        assert it.server.endswith("/base")


async def test_requests_that_were_put_off_are_sent_again() -> None:
    """429, and 503 with Retry-After, mean that the server did nothing: any verb may be repeated."""

    def answer(writer: asyncio.StreamWriter, count: int) -> None:
        if count < 3:
            respond(writer, 429 if count == 1 else 503, b"", "Retry-After: 3\r\n")
        else:
            respond(writer, 200)

    async with serving(answer) as (server, transport, clock):
        call = asyncio.ensure_future(transport.request("POST", "/x"))
        for expected in (1, 2):
            while not clock.sleeping:
                await asyncio.sleep(0.001)
            assert len(server.requests) == expected
            clock.advance(3)
        assert (await call).status == 200


@pytest.mark.parametrize(("status", "headers"), [(500, "Retry-After: 1\r\n"), (503, ""), (429, ""), (409, "")])
async def test_other_refusals_are_answers(status: int, headers: str) -> None:
    async with serving(lambda writer, _: respond(writer, status, b"", headers)) as (server, transport, _):
        assert (await transport.request("GET", "/x")).status == status
        assert len(server.requests) == 1


async def test_refusals_without_end_are_answered_at_last() -> None:
    async with serving(lambda writer, _: respond(writer, 429, b"", "Retry-After: 0\r\n")) as (server, transport, _):
        assert (await transport.request("GET", "/x")).status == 429
        assert len(server.requests) == 6


async def test_timeout() -> None:
    async with serving(lambda writer, count: None) as (_, transport, _):
        with pytest.raises(RequestTimeout):
            await transport.request("GET", "/x", timeout=0.05)
        with pytest.raises(RequestTimeout):
            await transport.stream("GET", "/x", timeout=0.05)


async def test_a_connection_that_breaks_is_not_retried_for_writes() -> None:
    """The server may have done the work before it vanished."""
    async with serving(lambda writer, _: writer.close()) as (server, transport, _):
        with pytest.raises(TransportError) as caught:
            await transport.request("POST", "/x")
        assert caught.value.sent
        assert len(server.requests) == 1


async def test_nobody_listens() -> None:
    async with serving(lambda writer, _: None) as (server, _, _):
        port = server.port
    transport = NetworkTransport(ConnectionSettings(server=f"http://127.0.0.1:{port}"))
    with pytest.raises(TransportError, match="can't connect") as caught:
        await transport.request("GET", "/x")
    assert not caught.value.sent
    with pytest.raises(TransportError):
        await transport.stream("GET", "/x")
    await transport.close()


async def test_streams() -> None:
    """Chunks come as they are sent; a broken connection is an error, an ended answer is not."""

    def answer(writer: asyncio.StreamWriter, count: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\none\n2\r\n")
        writer.write(b"0\r\n\r\n" if count == 1 else b"")
        if count == 2:
            writer.close()

    async with serving(answer) as (_, transport, _):
        stream = await transport.stream("GET", "/x")
        assert (stream.status, stream.headers["x-a"]) == (200, "b")
        assert b"".join([chunk async for chunk in stream]) == b"one\n2"
        await stream.close()
        broken = await transport.stream("GET", "/x")
        with pytest.raises(TransportError, match="broke"):
            async for _ in broken:
                pass
        await broken.close()


async def test_closing_a_stream_ends_its_reader() -> None:
    def answer(writer: asyncio.StreamWriter, count: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")

    async with serving(answer) as (_, transport, _):
        stream = await transport.stream("GET", "/x")
        chunks: list[bytes] = []
        came = asyncio.Event()

        async def read() -> None:
            async for chunk in stream:
                chunks.append(chunk)
                came.set()

        reading = asyncio.ensure_future(read())
        await asyncio.wait_for(came.wait(), 30)
        await stream.close()
        await stream.close()
        await asyncio.wait_for(reading, 30)
        assert chunks == [b"hi"]


async def test_redirects_are_not_followed() -> None:
    """Credentials must not follow a Location header to another server."""
    async with serving(lambda writer, _: respond(writer, 302, b"", "Location: http://evil/\r\n")) as (_, transport, _):
        assert (await transport.request("GET", "/x")).status == 302


async def test_closed_transports_refuse() -> None:
    async with serving(lambda writer, _: respond(writer, 200)) as (_, transport, _):
        await transport.request("GET", "/x")
        await transport.close()
        with pytest.raises(TransportError):
            await transport.request("GET", "/x")


@pytest.mark.parametrize("server", ["", "ftp://x", "host:443"])
def test_servers_that_are_no_urls(server: str) -> None:
    with pytest.raises(ConfigError, match="not an http or https URL"):
        NetworkTransport(ConnectionSettings(server=server))
