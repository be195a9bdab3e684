"""Taking a connection out of HTTP, against a server that answers what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from headwater.base.channel import ChannelBroken
from headwater.client.connection import ConnectionSettings
from headwater.client.interface import TransportError
from headwater.client.transport import NetworkTransport

Answer = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[NetworkTransport]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1")
    port = listening.sockets[0].getsockname()[1]
    transport = NetworkTransport(ConnectionSettings(server=f"http://127.0.0.1:{port}/base", token="secret"))
    try:
        async with asyncio.timeout(60):
            yield transport
    finally:
        await transport.close()
        listening.close()


def saying(raw: bytes) -> Answer:
    async def answer(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


async def test_bytes_both_ways_after_the_request() -> None:
    heads: list[bytes] = []

    async def answer(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(SWITCH + b"first")
        writer.write(await reader.readexactly(4))

    async with server(answer) as transport:
        made = await transport.upgrade("POST", "/exec", query=[("command", "a b")], headers=[("upgrade", "x")])
        assert (made.status, made.headers["upgrade"]) == (101, "x")
        channel = made.channel
        assert channel is not None
        await channel.write(b"back")
        found = b""
        while data := await channel.read():
            found += data
        assert found == b"firstback"
        channel.close()
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "POST /base/exec?command=a+b HTTP/1.1"
    assert {"Connection: Upgrade", "Content-Length: 0", "upgrade: x", "authorization: Bearer secret"} <= set(lines)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        pytest.param(b"Content-Length: 3\r\n\r\nabcdef", b"abc", id="a length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc", id="chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n", b"ab", id="chunks that break"),
        pytest.param(b"\r\nabc", b"abc", id="until the end"),
        pytest.param(b"Content-Length: 999999999\r\n\r\n" + bytes(200_000), bytes(65536), id="as much as is wanted"),
    ],
)
async def test_the_body_of_a_refusal(raw: bytes, body: bytes) -> None:
    async with server(saying(b"HTTP/1.1 403 Forbidden\r\n" + raw)) as transport:
        made = await transport.upgrade("GET", "/exec", headers=[("upgrade", "x")])
        assert (made.status, made.channel, made.body) == (403, None, body)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 1000 x\r\n\r\n", id="a status that there is not"),
        pytest.param(b"HTTP/1.1 101 x\r\nno colon\r\n\r\n", id="a malformed header"),
        pytest.param(b"HTTP/1.1 101 x\r\nX: " + bytes(100_000) + b"\r\n\r\n", id="a head without end"),
    ],
)
async def test_answers_that_make_no_sense(raw: bytes) -> None:
    async with server(saying(raw)) as transport:
        with pytest.raises(TransportError):
            await transport.upgrade("GET", "/exec", headers=[("upgrade", "x")])


@pytest.mark.parametrize("header", [("a b", "x"), ("", "x"), ("x", "a\r\ny: z"), ("x\n", "y")])
async def test_a_header_within_a_header_is_not_sent(header: tuple[str, str]) -> None:
    async with server(saying(SWITCH)) as transport:
        with pytest.raises(TransportError, match="can't be sent"):
            await transport.upgrade("GET", "/exec", headers=[header])


async def test_nobody_listens() -> None:
    listening = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1")
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    transport = NetworkTransport(ConnectionSettings(server=f"http://127.0.0.1:{port}"))
    with pytest.raises(TransportError) as caught:
        await transport.upgrade("GET", "/exec", headers=[])
    assert not caught.value.sent


async def test_a_connection_that_is_reset_breaks() -> None:
    async def answer(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH)
        await writer.drain()
        writer.transport.abort()

    async with server(answer) as transport:
        made = await transport.upgrade("GET", "/exec", headers=[("upgrade", "x")])
        assert made.channel is not None
        with pytest.raises(ChannelBroken):
            while True:
                await made.channel.write(bytes(65536))
