"""The network server: listens, holds its connections to their limits, and stops without cutting answers short."""

from __future__ import annotations

import asyncio
import ssl
from email.utils import formatdate
from typing import Final

from headwater.apiserver.web.connection import Connection
from headwater.apiserver.web.limits import Limits, Phase
from headwater.apiserver.web.types import Handler

_HANDSHAKE_TIMEOUT: Final = 10.0
_BACKLOG: Final = 1024
_SPARE_FILES: Final = 128
_READ_BUFFER_BYTES: Final = 64 * 1024


class WebServer:
    """Serves a handler on one address over HTTP/1.1, with TLS unless `ssl_context` is None.

    `start` answers with the port (asked for as 0: a free one). `stop` closes idle connections and ends streams at
    once, lets requests finish for `grace` seconds, and cuts what is left.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        ssl_context: ssl.SSLContext | None,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.date_line = b""
        self.stopping = False
        self.read_buffer = memoryview(bytearray(_READ_BUFFER_BYTES))
        self._ssl_context = ssl_context
        self._host = host
        self._port = port
        self._max_connections = min(self.limits.max_connections, _file_limit() - _SPARE_FILES)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    async def start(self) -> int:
        """Binds and listens. Raises OSError when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self, loop),
            self._host,
            self._port,
            ssl=self._ssl_context,
            ssl_handshake_timeout=_HANDSHAKE_TIMEOUT if self._ssl_context is not None else None,
            backlog=_BACKLOG,
        )
        self._sweep(loop)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def stop(self, grace: float = 5.0) -> None:
        """Stops listening and ends every connection."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.shut_down()
        if self._connections and grace > 0:
            try:
                async with asyncio.timeout(grace):
                    await self._empty.wait()
            except TimeoutError:
                pass
        for connection in tuple(self._connections):
            connection.abort()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    # -- what connections need -------------------------------------------------------------------------------------

    def admit(self, connection: Connection) -> bool:
        if len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if self.stopping and not self._connections:
            self._empty.set()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.date_line = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        now = loop.time()
        for connection in tuple(self._connections):
            connection.sweep(now)
        self._sweeping = loop.call_later(self.limits.sweep_interval, self._sweep, loop)

    def streams(self) -> int:
        """How many connections carry a stream."""
        return sum(1 for each in self._connections if each.phase in (Phase.STREAMING, Phase.UPGRADED))


def _file_limit() -> int:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20
