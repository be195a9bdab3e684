"""WebSocket framing after RFC 6455: the opening handshake's answer, frames, and a decoder with limits (pure)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

VERSION: Final = "13"
CLOSE_NORMAL: Final = 1000
CLOSE_PROTOCOL_ERROR: Final = 1002
CLOSE_TOO_LARGE: Final = 1009
CLOSE_INTERNAL_ERROR: Final = 1011
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_MAX_CONTROL_BYTES: Final = 125
_KEY_BYTES: Final = 16


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class WebSocketError(ValueError):
    """The peer broke the protocol; `code` is what the close frame should say."""

    def __init__(self, message: str, code: int = CLOSE_PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class Message(NamedTuple):
    """A whole message, or a control frame."""

    opcode: Opcode
    payload: bytes


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept for a Sec-WebSocket-Key. Raises WebSocketError for a key that is none."""
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != _KEY_BYTES:
        raise WebSocketError("Sec-WebSocket-Key is not 16 bytes in base64")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def offered_protocols(headers: Sequence[str]) -> list[str]:
    """The subprotocols that Sec-WebSocket-Protocol headers offer, in their order."""
    return [name for line in headers for name in (part.strip() for part in line.split(",")) if name]


def encode(opcode: Opcode, payload: bytes, mask: bytes = b"") -> bytes:
    """One final frame; a client gives four bytes of `mask`."""
    length = len(payload)
    bit = _MASKED if mask else 0
    first = _FIN | opcode
    if length < 126:
        head = struct.pack(">BB", first, bit | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", first, bit | 126, length)
    else:
        head = struct.pack(">BBQ", first, bit | 127, length)
    return head + mask + _masked(payload, mask) if mask else head + payload


def close_payload(code: int, reason: str) -> bytes:
    """The payload of a close frame; a reason that is too long is cut between characters."""
    text = reason.encode()[: _MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return struct.pack(">H", code) + text


class Decoder:
    """Takes bytes as they come and gives whole messages. `masked` says what the peer's frames have to be."""

    def __init__(self, *, masked: bool, max_message_bytes: int) -> None:
        self._masked = masked
        self._maximum = max_message_bytes
        self._buffer = bytearray()
        self._opcode: Opcode | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._closed = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now; nothing after a close frame. Raises WebSocketError."""
        self._buffer += data
        while not self._closed:
            frame = self._next_frame()
            if frame is None:
                return
            message = self._assemble(*frame)
            if message is not None:
                self._closed = message.opcode is Opcode.CLOSE
                yield message

    def _next_frame(self) -> tuple[bool, Opcode, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        length, start = second & 0x7F, 2
        if length == 126:
            if len(buffer) < 4:
                return None
            (length,), start = struct.unpack_from(">H", buffer, 2), 4
        elif length == 127:
            if len(buffer) < 10:
                return None
            (length,), start = struct.unpack_from(">Q", buffer, 2), 10
        opcode = self._check(first, length, masked=bool(second & _MASKED))
        if self._masked:
            start += 4
        if len(buffer) < start + length:
            return None
        payload = bytes(buffer[start : start + length])
        if self._masked:
            payload = _masked(payload, bytes(buffer[start - 4 : start]))
        del buffer[: start + length]
        return bool(first & _FIN), opcode, payload

    def _check(self, first: int, length: int, *, masked: bool) -> Opcode:
        """What a frame's head may say, before any of its payload is waited for."""
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError("unknown opcode") from None
        if first & _RESERVED:
            raise WebSocketError("a reserved bit is set")
        if masked != self._masked:
            raise WebSocketError("a frame must be masked" if self._masked else "a frame must not be masked")
        if opcode >= Opcode.CLOSE:
            if not first & _FIN or length > _MAX_CONTROL_BYTES:
                raise WebSocketError("a control frame is too long or fragmented")
        elif self._size + length > self._maximum:
            raise WebSocketError(f"a message is larger than {self._maximum} bytes", CLOSE_TOO_LARGE)
        return opcode

    def _assemble(self, final: bool, opcode: Opcode, payload: bytes) -> Message | None:
        if opcode >= Opcode.CLOSE:
            return Message(opcode, payload)
        if (opcode is Opcode.CONTINUATION) != (self._opcode is not None):
            raise WebSocketError("a fragment is out of place")
        if self._opcode is None:
            self._opcode = opcode
        self._size += len(payload)
        if payload:
            self._parts.append(payload)
        if len(self._parts) > 64:
            self._parts = [b"".join(self._parts)]
        if not final:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self._opcode, self._parts, self._size = None, [], 0
        return message


class FrameBorders:
    """Follows where the frames of a server end, without keeping what is in them."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self._fragmented = False

    @property
    def at_border(self) -> bool:
        """Whether a message has ended and no other one has begun."""
        return not self._head and not self._left and not self._fragmented

    def feed(self, data: bytes) -> None:
        """Bytes have passed."""
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
                continue
            self._head.append(data[position])
            position += 1
            self._left = self._begun()

    def _begun(self) -> int:
        """The bytes that follow, once the head of a frame is complete."""
        head = self._head
        length = head[1] & 0x7F if len(head) > 1 else 0
        wanted = 2 + {126: 2, 127: 8}.get(length, 0)
        if len(head) < wanted:
            return 0
        if length >= 126:
            length = int.from_bytes(head[2:wanted], "big")
        if head[1] & _MASKED:
            length += 4
        if head[0] & 0x0F < Opcode.CLOSE:
            self._fragmented = not head[0] & _FIN
        head.clear()
        return length


def _masked(payload: bytes, mask: bytes) -> bytes:
    """The payload with the mask put on or taken off; as one large number, which is what makes it quick."""
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
