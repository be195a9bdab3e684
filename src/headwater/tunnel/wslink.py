"""The server's end of a WebSocket connection, over the bytes of an upgraded one."""

from __future__ import annotations

from collections import deque

from headwater.base.channel import ByteChannel, ChannelBroken
from headwater.tunnel.interface import LinkBroken
from headwater.tunnel.websocket import (
    CLOSE_INTERNAL_ERROR,
    CLOSE_NORMAL,
    Decoder,
    Message,
    Opcode,
    WebSocketError,
    close_payload,
    encode,
)


class WebSocketLink:
    """Implements `interface.Link`. Answers pings and close frames; a text message is taken as binary."""

    def __init__(self, channel: ByteChannel, *, max_message_bytes: int) -> None:
        self._channel = channel
        self._decoder = Decoder(masked=True, max_message_bytes=max_message_bytes)
        self._messages: deque[Message] = deque()
        self._closed = False

    async def send(self, message: bytes) -> None:
        try:
            await self._channel.write(encode(Opcode.BINARY, message))
        except ChannelBroken as error:
            raise LinkBroken(str(error)) from error

    async def receive(self) -> bytes:
        while True:
            while not self._messages:
                await self._more()
            message = self._messages.popleft()
            if message.opcode in (Opcode.BINARY, Opcode.TEXT):
                return message.payload
            if message.opcode is Opcode.CLOSE:
                reason = message.payload[2:].decode(errors="replace")
                await self.close("")
                raise LinkBroken(reason or "the other side closed the connection")
            if message.opcode is Opcode.PING:
                await self._write(encode(Opcode.PONG, message.payload))

    async def close(self, reason: str) -> None:
        await self.close_with(CLOSE_INTERNAL_ERROR if reason else CLOSE_NORMAL, reason)

    async def close_with(self, code: int, reason: str) -> None:
        """Send a close frame, once, and end the connection."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._write(encode(Opcode.CLOSE, close_payload(code, reason)))
        except LinkBroken:
            pass  # Nobody is there to be told.
        self._channel.close()

    async def _more(self) -> None:
        try:
            data = await self._channel.read()
        except ChannelBroken as error:
            raise LinkBroken(str(error)) from error
        if not data:
            raise LinkBroken("the other side ended the connection")
        try:
            for message in self._decoder.feed(data):
                self._messages.append(message)
        except WebSocketError as error:
            await self.close_with(error.code, str(error))
            raise LinkBroken(str(error)) from error

    async def _write(self, data: bytes) -> None:
        try:
            await self._channel.write(data)
        except ChannelBroken as error:
            raise LinkBroken(str(error)) from error
