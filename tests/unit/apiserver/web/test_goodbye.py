"""Stopping with TLS connections that nobody reads: the pools of clients that have no thread of their own."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from tests.unit.apiserver.web.conftest import Wire, no_longer_than

from headwater.apiserver.certificates import CertificateAuthority
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.tls import server_context
from headwater.apiserver.web.types import Request, Response
from headwater.base.clock import SystemClock


async def test_stopping_does_not_wait_for_the_goodbye_of_an_idle_client(tmp_path: Path) -> None:
    """TLS asks for an answer to its goodbye, which a pooled connection gives only when it is used again."""

    async def handler(request: Request) -> Response:
        return Response(200, b"done")

    authority = CertificateAuthority.load_or_create(tmp_path, clock=SystemClock())
    files = authority.serving("server", [])
    server = WebServer(
        handler, ssl_context=server_context(certificate=files.certificate, key=files.key, client_ca=None)
    )
    port = await server.start()
    trust = ssl.create_default_context(cafile=str(authority.files.certificate))
    wire = Wire(*await asyncio.open_connection("localhost", port, ssl=trust))
    async with no_longer_than():
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await wire.response())[2] == b"done"
        wire.writer.transport.pause_reading()
        await server.stop(grace=600)
    assert server.connections == 0
    wire.writer.transport.abort()
