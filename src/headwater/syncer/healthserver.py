"""A small HTTP server for `/livez`, `/healthz`, `/readyz` and `/metrics` of an agent, in plain text."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from headwater.syncer.options import OptionsError
from headwater.telemetry.health import HealthChecks, healthy, verbose_text
from headwater.telemetry.metrics import CONTENT_TYPE, Registry

_MAX_REQUEST_BYTES: Final = 8192
_READ_SECONDS: Final = 5.0
_MAX_CONNECTIONS: Final = 32
_LAST_PORT: Final = 65535


class HealthServer:
    """Answers GET on a handful of paths, one request for each connection."""

    def __init__(self, address: str, *, health: HealthChecks, registry: Registry) -> None:
        host, _, port = address.rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
            raise OptionsError(f"health address {address!r} is not host:port")
        self._host = host.strip("[]") or "127.0.0.1"
        self._port = int(port)
        self._health = health
        self._registry = registry
        self._connections = 0
        self._server: asyncio.Server | None = None
        self.port = 0
        """The port that is listened on, once it is."""

    async def listen(self) -> None:
        """Take the address. Raises OptionsError when it can't be listened on."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_MAX_REQUEST_BYTES)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise OptionsError(f"can't listen on {self._host}:{self._port}: {why}") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def run(self) -> None:
        """Serve until cancelled, after `listen`."""
        assert self._server is not None, "listen comes before run"
        async with self._server as server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= _MAX_CONNECTIONS:
                async with asyncio.timeout(_READ_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head.split(b"\r\n", 1)[0].decode("latin-1")))
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # Whoever asks like this gets no answer.
        finally:
            self._connections -= 1
            writer.close()

    def _answer(self, request_line: str) -> bytes:
        method, _, rest = request_line.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method != "GET":
            return _response("405 Method Not Allowed", "text/plain", b"")
        if path == "/metrics":
            return _response("200 OK", CONTENT_TYPE, self._registry.render())
        if path in ("/readyz", "/livez", "/healthz"):
            results = self._health.readyz() if path == "/readyz" else self._health.livez()
            status = "200 OK" if healthy(results) else "503 Service Unavailable"
            return _response(status, "text/plain; charset=utf-8", verbose_text(path.strip("/"), results).encode())
        return _response("404 Not Found", "text/plain", b"")


def _response(status: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
