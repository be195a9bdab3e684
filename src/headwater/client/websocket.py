"""A WebSocket of whole binary messages, for the client; opened by `transport.NetworkTransport.websocket`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.client.interface import TransportError

if TYPE_CHECKING:
    import aiohttp


class WebSocketConnection:
    """One connection. Reading has the library's back-pressure, writing that of the socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, server: str) -> None:
        self._socket = socket
        self._server = server

    async def send(self, message: bytes) -> None:
        """Send a message; returns when the connection takes more. Raises TransportError."""
        try:
            await self._socket.send_bytes(message)
        except (OSError, RuntimeError) as error:
            # The library says RuntimeError for a connection that is closed or closing.
            raise TransportError(f"connection to {self._server} broke: {error or type(error).__name__}") from error

    async def receive(self) -> bytes:
        """The next message. Raises TransportError at the end, with what the server said."""
        message = await self._socket.receive()
        data = message.data
        if isinstance(data, bytes):
            return data
        said = message.extra or (str(data) if isinstance(data, Exception) else "")
        raise TransportError(said or f"{self._server} closed the connection")

    async def close(self, reason: str = "") -> None:
        """Say goodbye and end the connection. May be called again."""
        await self._socket.close(code=1000, message=reason.encode()[:120])
