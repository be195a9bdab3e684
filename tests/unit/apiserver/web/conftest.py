"""A running server, and a raw connection to it that says what it gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from headwater.apiserver.web.limits import Limits
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.types import Handler


class Wire:
    """One raw client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join([chunk async for chunk in self.chunks()])
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return status, headers, body

    async def status_object(self) -> tuple[int, dict[str, Any]]:
        status, _, body = await self.response()
        return status, json.loads(body)

    async def chunks(self) -> AsyncIterator[bytes]:
        while size := int((await self.reader.readline()).strip(), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)

    async def closed(self) -> bool:
        """Waits for the server's end of the connection; True when it came, whatever was still sent."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        return True


def pytest_asyncio_loop_factories(config: object, item: object) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Both loops: production runs on uvloop, whose transports differ in detail."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


Serve = Callable[..., Awaitable[tuple[WebServer, int]]]
Connect = Callable[[int], Awaitable[Wire]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server with a handler; it is stopped at the end of the test."""
    servers: list[WebServer] = []

    async def start(handler: Handler, **limits: Any) -> tuple[WebServer, int]:
        server = WebServer(handler, ssl_context=None, limits=Limits(sweep_interval=0.01, **limits))
        servers.append(server)
        return server, await server.start()

    yield start
    for server in servers:
        await server.stop(grace=0)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens raw connections; they are closed at the end of the test."""
    wires: list[Wire] = []

    async def open_wire(port: int) -> Wire:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
        wires.append(wire)
        return wire

    yield open_wire
    for wire in wires:
        wire.writer.close()


@asynccontextmanager
async def no_longer_than(seconds: float = 60.0) -> AsyncIterator[None]:
    """Turns a hang into a failure."""
    async with asyncio.timeout(seconds):
        yield
