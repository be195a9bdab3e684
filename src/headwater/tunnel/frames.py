"""The frames of a tunnel: one to a message, a type, the number of a stream, and a payload (pure).

    byte 0      type
    bytes 1-4   stream, big-endian; 0 for frames about the whole session
    bytes 5-    payload

The control plane opens streams, under numbers that only grow. Each direction of a stream starts with a window of
`WINDOW_BYTES`; DATA takes from it, WINDOW gives back what was consumed. RENEW brings the agent's credential of now, in
place of the one that it opened the tunnel with.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

PROTOCOL: Final = "v1.tunnel.sync.kcp.io"
"""WebSocket subprotocol; another way to write frames gets another name."""

WINDOW_BYTES: Final = 128 * 1024
MAX_DATA_BYTES: Final = 32 * 1024
MAX_HEAD_BYTES: Final = 48 * 1024
MAX_REASON_BYTES: Final = 512
MAX_CREDENTIAL_BYTES: Final = 16 * 1024
_HEADER: Final = struct.Struct(">BI")
_CREDIT: Final = struct.Struct(">I")
MAX_MESSAGE_BYTES: Final = _HEADER.size + MAX_HEAD_BYTES


class FrameError(ValueError):
    """A message that is no frame; nothing on this session can be trusted any more."""


class FrameType(IntEnum):
    """What a frame says."""

    OPEN = 1
    ANSWER = 2
    DATA = 3
    WINDOW = 4
    END = 5
    RESET = 6
    PING = 7
    PONG = 8
    BYE = 9
    RENEW = 10


_MAX_PAYLOAD: Final = {
    FrameType.OPEN: MAX_HEAD_BYTES,
    FrameType.ANSWER: MAX_HEAD_BYTES,
    FrameType.DATA: MAX_DATA_BYTES,
    FrameType.WINDOW: _CREDIT.size,
    FrameType.END: 0,
    FrameType.RESET: MAX_REASON_BYTES,
    FrameType.PING: 8,
    FrameType.PONG: 8,
    FrameType.BYE: MAX_REASON_BYTES,
    FrameType.RENEW: MAX_CREDENTIAL_BYTES,
}
_OF_SESSION: Final = frozenset({FrameType.PING, FrameType.PONG, FrameType.BYE, FrameType.RENEW})


class Frame(NamedTuple):
    """One frame; `stream` is 0 for those about the session."""

    type: FrameType
    stream: int = 0
    payload: bytes = b""

    def __repr__(self) -> str:
        """Without the payload, which may be a credential."""
        return f"Frame({self.type.name}, {self.stream}, {len(self.payload)} bytes)"

    def encode(self) -> bytes:
        """The message. Raises FrameError for a frame that `decode` would refuse."""
        _check(self)
        return _HEADER.pack(self.type, self.stream) + self.payload

    @property
    def credit(self) -> int:
        """The bytes that a WINDOW frame gives back."""
        return int(_CREDIT.unpack(self.payload)[0])

    @property
    def reason(self) -> str:
        """What a RESET or BYE frame says, fit to be logged: one line without control characters."""
        text = self.payload.decode(errors="replace")
        return "".join(each if each.isprintable() else " " for each in text)


def decode(message: bytes) -> Frame:
    """The frame in a message. Raises FrameError."""
    if len(message) < _HEADER.size:
        raise FrameError(f"a message of {len(message)} bytes is no frame")
    number, stream = _HEADER.unpack_from(message)
    try:
        kind = FrameType(number)
    except ValueError:
        raise FrameError(f"there is no frame of type {number}") from None
    frame = Frame(kind, stream, message[_HEADER.size :])
    _check(frame)
    return frame


def window_frame(stream: int, credit: int) -> Frame:
    """The frame that gives back `credit` bytes of a stream's window."""
    return Frame(FrameType.WINDOW, stream, _CREDIT.pack(credit))


def reason_frame(kind: FrameType, stream: int, reason: str) -> Frame:
    """A RESET or BYE frame; a long reason is cut."""
    return Frame(kind, stream, reason.encode()[:MAX_REASON_BYTES])


def _check(frame: Frame) -> None:
    limit = _MAX_PAYLOAD[frame.type]
    if len(frame.payload) > limit:
        raise FrameError(f"{frame.type.name} frame with {len(frame.payload)} bytes, at most {limit}")
    if (frame.stream == 0) != (frame.type in _OF_SESSION):
        raise FrameError(f"{frame.type.name} frame for stream {frame.stream}")
    if frame.type is FrameType.WINDOW and (len(frame.payload) != limit or not 0 < frame.credit <= WINDOW_BYTES):
        raise FrameError("WINDOW frame with a credit that can't be")
    if frame.type is FrameType.DATA and not frame.payload:
        raise FrameError("DATA frame without data")
