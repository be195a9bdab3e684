"""Connections that leave HTTP."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.apiserver.web.conftest import Connect, Serve, no_longer_than

from headwater.apiserver.web.sending import Sender
from headwater.apiserver.web.types import AnyResponse, Request, Response, UpgradeResponse
from headwater.apiserver.web.upgraded import UpgradedConnection
from headwater.base.channel import ByteChannel, ChannelBroken

ASK = b"POST /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n"


async def echo(channel: ByteChannel) -> None:
    while data := await channel.read():
        await channel.write(data)


def upgrading(serve: object = echo, finished: list[str] | None = None) -> object:
    async def handler(request: Request) -> AnyResponse:
        if request.path != "/exec":
            return Response(body=b"{}")
        response = UpgradeResponse(serve, headers=(("Connection", "Upgrade"), ("Upgrade", "echo")))  # type: ignore[arg-type]
        response.on_finish.append(lambda: (finished if finished is not None else []).append("finished"))
        return response

    return handler


async def test_bytes_go_both_ways(serve: Serve, connect: Connect) -> None:
    """The answer is 101 without framing, and what follows is the connection's own."""
    finished: list[str] = []
    _, port = await serve(upgrading(finished=finished))
    wire = await connect(port)
    wire.send(ASK)
    status, headers = await wire.head()
    assert (status, headers["upgrade"]) == (101, "echo")
    assert not headers.keys() & {"transfer-encoding", "content-length"}
    wire.send(b"GET / HTTP/1.1\r\n\r\n\x00\xff")
    assert await wire.reader.readexactly(20) == b"GET / HTTP/1.1\r\n\r\n\x00\xff"
    wire.writer.close()
    async with no_longer_than():
        while not finished:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(ASK + b"early", id="bytes before the answer"),
        pytest.param(ASK + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", id="another request behind"),
        pytest.param(ASK.replace(b"Content-Length: 0", b"Content-Length: 3") + b"abc", id="a body"),
        pytest.param(b"POST /exec HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", id="no upgrade asked for"),
    ],
)
async def test_what_could_be_read_in_two_ways_is_not_upgraded(serve: Serve, connect: Connect, sent: bytes) -> None:
    """Refused, closed, and the handler is told that nothing came of it."""
    finished: list[str] = []
    _, port = await serve(upgrading(finished=finished), linger_timeout=0.05)
    wire = await connect(port)
    wire.send(sent)
    async with no_longer_than():
        status, _ = await wire.status_object()
        assert status == 400
        assert await wire.closed()
        while not finished:
            await asyncio.sleep(0)
    assert finished == ["finished"]


async def test_the_last_bytes_arrive_and_the_connection_ends(serve: Serve, connect: Connect) -> None:
    async def farewell(channel: ByteChannel) -> None:
        await channel.write(b"goodbye" * 10_000)

    _, port = await serve(upgrading(farewell))
    wire = await connect(port)
    wire.send(ASK)
    await wire.head()
    async with no_longer_than():
        assert await wire.reader.read(-1) == b"goodbye" * 10_000


class Transport(asyncio.Transport):
    """Takes everything, and says what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said.append("write")

    def pause_reading(self) -> None:
        self.said.append("pause")

    def resume_reading(self) -> None:
        self.said.append("resume")

    def is_closing(self) -> bool:
        return "close" in self.said

    def close(self) -> None:
        self.said.append("close")


async def test_a_client_that_does_not_read_makes_the_writer_wait() -> None:
    """Nothing is queued while the transport is full, and the client's going ends the wait."""
    transport = Transport()
    sender = Sender(asyncio.get_running_loop(), transport)
    connection = UpgradedConnection(transport, sender)
    sender.pause()
    writing = asyncio.ensure_future(connection.write(b"x"))
    await asyncio.sleep(0)
    assert not writing.done()
    sender.resume()
    await writing
    connection.lost()
    with pytest.raises(ChannelBroken):
        await connection.write(b"x")
    assert transport.said == ["write"]


async def test_a_client_that_sends_more_than_is_read_has_to_wait() -> None:
    transport = Transport()
    connection = UpgradedConnection(transport, Sender(asyncio.get_running_loop(), transport))
    for _ in range(5):
        connection.feed(bytes(16 * 1024))
    assert transport.said == ["pause"]
    assert len(await connection.read()) == 80 * 1024
    assert transport.said == ["pause", "resume"]


async def test_stopping_the_server_ends_them(serve: Serve, connect: Connect) -> None:
    server, port = await serve(upgrading())
    wire = await connect(port)
    wire.send(ASK)
    await wire.head()
    async with no_longer_than():
        await server.stop(grace=1.0)
        assert await wire.closed()
