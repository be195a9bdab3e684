"""SPDY/3.1 frames as far as Kubernetes' clients use them: a decoder with limits, and the frames of a server (pure)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from headwater.tunnel.spdydictionary import DICTIONARY

_VERSION: Final = 3
_CONTROL: Final = 0x8000
FLAG_FIN: Final = 0x01
MAX_FRAME_BYTES: Final = 1024 * 1024
MAX_HEADER_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 64
STATUS_PROTOCOL_ERROR: Final = 1
STATUS_REFUSED: Final = 3


class Kind(IntEnum):
    """Types of frames; DATA has no number of its own on the wire."""

    DATA = 0
    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class SpdyError(ValueError):
    """The peer broke the protocol."""


class SpdyFrame(NamedTuple):
    """A frame that was read; `number` is that of its stream, or of a ping."""

    kind: Kind
    number: int = 0
    fin: bool = False
    payload: bytes = b""
    headers: Mapping[str, str] = {}


class Decoder:
    """Takes bytes as they come and gives whole frames; header names in lower case."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[SpdyFrame]:
        """The frames that are complete now. Raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            first, second, rest = struct.unpack_from(">HHI", self._buffer)
            flags, length = rest >> 24, rest & 0xFFFFFF
            if length > MAX_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes is too large")
            if len(self._buffer) < 8 + length:
                return
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            if not first & _CONTROL:
                yield SpdyFrame(Kind.DATA, (first << 16 | second) & 0x7FFFFFFF, bool(flags & FLAG_FIN), payload)
                continue
            frame = self._control(first & 0x7FFF, second, flags, payload)
            if frame is not None:
                yield frame

    def _control(self, version: int, number: int, flags: int, payload: bytes) -> SpdyFrame | None:
        if version != _VERSION:
            raise SpdyError(f"SPDY version {version} is not spoken here")
        try:
            kind = Kind(number)
        except ValueError:
            return None  # Frames of unknown types are to be ignored.
        fin = bool(flags & FLAG_FIN)
        if kind is Kind.SYN_STREAM:
            return SpdyFrame(kind, _number(payload), fin, headers=self._headers(payload[10:]))
        if kind in (Kind.SYN_REPLY, Kind.HEADERS):
            return SpdyFrame(kind, _number(payload), fin, headers=self._headers(payload[4:]))
        if kind in (Kind.RST_STREAM, Kind.PING, Kind.WINDOW_UPDATE, Kind.GOAWAY):
            return SpdyFrame(kind, _number(payload), payload=payload)
        return SpdyFrame(kind, payload=payload)

    def _headers(self, block: bytes) -> dict[str, str]:
        # All blocks of a connection are one compressed stream, so each of them has to be read.
        try:
            text = self._inflate.decompress(block, MAX_HEADER_BYTES + 1)
        except zlib.error as error:
            raise SpdyError(f"a header block can't be read: {error}") from None
        if len(text) > MAX_HEADER_BYTES or self._inflate.unconsumed_tail:
            raise SpdyError(f"a header block is larger than {MAX_HEADER_BYTES} bytes")
        return dict(_pairs(text))


class SpdyBorders:
    """Follows where the frames of one direction end, without keeping what is in them."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0

    @property
    def at_border(self) -> bool:
        """Whether a frame has ended and no other one has begun."""
        return not self._head and not self._left

    def feed(self, data: bytes) -> None:
        """Bytes have passed."""
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
            else:
                step = min(8 - len(self._head), len(data) - position)
                self._head += data[position : position + step]
                if len(self._head) == 8:
                    self._left = int.from_bytes(self._head[5:8], "big")
                    self._head.clear()
            position += step


class ErrorStreamFinder:
    """Reads the first frames of a client that runs a command, to know which of its streams takes the outcome."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = Decoder()
        self._read = 0
        self.number = 0
        """The stream; 0 while it is not known."""

    def feed(self, data: bytes) -> None:
        """Bytes have passed. Gives up when the client does not open such a stream first of all."""
        if self._decoder is None:
            return
        self._read += len(data)
        try:
            for frame in self._decoder.feed(data):
                if frame.kind is Kind.SYN_STREAM and frame.headers.get("streamtype", "").lower() == "error":
                    self.number = frame.number
        except SpdyError:
            self._read = MAX_HEADER_BYTES
        if self.number or self._read >= MAX_HEADER_BYTES:
            self._decoder = None


class Encoder:
    """Makes the frames of a server."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def data(self, number: int, payload: bytes = b"", *, fin: bool = False) -> bytes:
        return struct.pack(">II", number, (FLAG_FIN if fin else 0) << 24 | len(payload)) + payload

    def syn_stream(self, number: int, headers: Mapping[str, str], *, fin: bool = False) -> bytes:
        """What clients send; for tests of the decoder and of servers."""
        block = struct.pack(">IIBB", number, 0, 0, 0) + self._block(headers)
        return _control(Kind.SYN_STREAM, block, FLAG_FIN if fin else 0)

    def syn_reply(self, number: int, headers: Mapping[str, str] | None = None) -> bytes:
        return _control(Kind.SYN_REPLY, struct.pack(">I", number) + self._block(headers or {}))

    def reset(self, number: int, status: int) -> bytes:
        return _control(Kind.RST_STREAM, struct.pack(">II", number, status))

    def ping(self, number: int) -> bytes:
        return _control(Kind.PING, struct.pack(">I", number))

    def goaway(self, last: int) -> bytes:
        return _control(Kind.GOAWAY, struct.pack(">II", last, 0))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts += [struct.pack(">I", len(text)), text]
        return self._deflate.compress(b"".join(parts)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def _control(kind: Kind, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHI", _CONTROL | _VERSION, kind, flags << 24 | len(payload)) + payload


def _number(payload: bytes) -> int:
    if len(payload) < 4:
        raise SpdyError("a frame is too short")
    return int.from_bytes(payload[:4], "big") & 0x7FFFFFFF


def _pairs(text: bytes) -> Iterator[tuple[str, str]]:
    """Name and value of each header in a block that was inflated."""
    position = 0

    def number() -> int:
        nonlocal position
        if position + 4 > len(text):
            raise SpdyError("a header block is too short")
        found = int.from_bytes(text[position : position + 4], "big")
        position += 4
        return found

    def string() -> str:
        nonlocal position
        length = number()
        if position + length > len(text):
            raise SpdyError("a header block is too short")
        position += length
        return text[position - length : position].decode("latin-1")

    count = number()
    if count > MAX_HEADERS:
        raise SpdyError(f"more than {MAX_HEADERS} headers")
    for _ in range(count):
        name = string()
        yield name.lower(), string()
