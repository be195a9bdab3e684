"""Takes the body of a request out of the bytes that arrive: by its length, or chunk by chunk. Pure, incremental."""

from __future__ import annotations

import re
from typing import Final, Protocol

_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,8})(?:[ \t]*;[^\r\n]*)?")
_MAX_LINE_BYTES: Final = 512
_MAX_TRAILER_BYTES: Final = 4096


class BodyError(Exception):
    """The framing of the body is broken; nothing after it on this connection can be trusted."""


class BodyDecoder(Protocol):
    """Moves body bytes from the front of the input to `received`; what comes after the body stays in the input."""

    received: bytearray
    complete: bool

    def feed(self, data: bytearray) -> None:
        """Consumes what belongs to the body. Raises BodyError."""
        ...


class SizedBody:
    """A body whose length was announced."""

    __slots__ = ("complete", "received", "remaining")

    def __init__(self, length: int) -> None:
        self.received = bytearray()
        self.remaining = length
        self.complete = length == 0

    def feed(self, data: bytearray) -> None:
        if len(data) <= self.remaining:
            self.received += data
            self.remaining -= len(data)
            data.clear()
        else:
            self.received += data[: self.remaining]
            del data[: self.remaining]
            self.remaining = 0
        self.complete = self.remaining == 0


class ChunkedBody:
    """A body in the chunked transfer coding; extensions and trailers are read over."""

    __slots__ = ("_chunk_remaining", "_in_trailers", "_trailer_bytes", "complete", "received")

    def __init__(self) -> None:
        self.received = bytearray()
        self.complete = False
        self._chunk_remaining = -1
        self._in_trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytearray) -> None:
        while data and not self.complete:
            if self._in_trailers:
                if not self._skip_trailer(data):
                    return
            elif self._chunk_remaining < 0:
                if not self._start_chunk(data):
                    return
            elif not self._take_chunk(data):
                return

    def _line(self, data: bytearray) -> bytes | None:
        end = data.find(b"\r\n", 0, _MAX_LINE_BYTES)
        if end < 0:
            if len(data) >= _MAX_LINE_BYTES:
                raise BodyError("chunk line too long")
            return None
        line = bytes(data[:end])
        del data[: end + 2]
        return line

    def _start_chunk(self, data: bytearray) -> bool:
        line = self._line(data)
        if line is None:
            return False
        size = _CHUNK_LINE.fullmatch(line)
        if size is None:
            raise BodyError("malformed chunk size")
        self._chunk_remaining = int(size.group(1), 16)
        if self._chunk_remaining == 0:
            self._in_trailers = True
        return True

    def _take_chunk(self, data: bytearray) -> bool:
        if self._chunk_remaining:
            taken = data[: self._chunk_remaining]
            self.received += taken
            del data[: len(taken)]
            self._chunk_remaining -= len(taken)
            return self._chunk_remaining == 0
        if len(data) < 2:
            return False
        if data[:2] != b"\r\n":
            raise BodyError("chunk longer than announced")
        del data[:2]
        self._chunk_remaining = -1
        return True

    def _skip_trailer(self, data: bytearray) -> bool:
        line = self._line(data)
        if line is None:
            return False
        self._trailer_bytes += len(line) + 2
        if self._trailer_bytes > _MAX_TRAILER_BYTES:
            raise BodyError("trailers too long")
        self.complete = not line
        return True
