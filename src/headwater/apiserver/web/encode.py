"""Turns response values into the bytes of HTTP/1.1, and compresses large bodies for clients that ask for it."""

from __future__ import annotations

import asyncio
import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from headwater.apiserver.web.types import HeaderPairs, Response

GZIP_THRESHOLD_BYTES: Final = 128 * 1024
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW_BITS: Final = 31
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"


@lru_cache(maxsize=512)
def _opening(status: int, content_type: str) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = f"HTTP/1.1 {status} {phrase}\r\n"
    if content_type:
        lines += f"Content-Type: {content_type}\r\n"
    return lines.encode("latin-1")


def _header_lines(headers: HeaderPairs) -> bytes:
    lines = []
    for name, value in headers:
        # A value may hold what a client sent; a line break in it would let that client write headers of its own.
        clean = value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value
        lines.append(f"{name}: {clean}\r\n")
    return "".join(lines).encode("latin-1", errors="replace")


def response_head(
    *, status: int, content_type: str, headers: HeaderPairs, length: int, date: bytes, keep_alive: bool
) -> bytes:
    """The head of a response. `length` -1 announces chunks, -2 a body that ends with the connection."""
    head = _opening(status, content_type)
    if headers:
        head += _header_lines(headers)
    if length >= 0:
        # No length where the status itself says that there is no body.
        if status != 204 and status != 304:
            head += b"Content-Length: %d\r\n" % length
    elif length == -1:
        head += b"Transfer-Encoding: chunked\r\n"
    return head + (date if keep_alive else date + b"Connection: close\r\n") + b"\r\n"


def chunk(pieces: list[bytes]) -> bytes:
    """One chunk of the chunked transfer coding holding all pieces."""
    size = len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))
    return b"".join((b"%x\r\n" % size, *pieces, b"\r\n"))


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header asks for gzip, with any quality above 0."""
    for item in accept_encoding.split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip().lower() == "gzip":
            quality = parameters.replace(" ", "").lower().removeprefix("q=")
            return quality.strip("0.") != "" or not parameters
    return False


def _gzip(body: bytes | list[bytes]) -> list[bytes]:
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    pieces = [compressor.compress(piece) for piece in ([body] if isinstance(body, bytes) else body)]
    pieces.append(compressor.flush())
    return [piece for piece in pieces if piece]


async def compress(response: Response, accept_encoding: str) -> None:
    """Compresses a large body in place, off the loop, when the client accepts that and nothing has encoded it yet."""
    body = response.body
    size = len(body) if isinstance(body, bytes) else sum(map(len, body))
    if size < GZIP_THRESHOLD_BYTES or response.status != 200 or not accepts_gzip(accept_encoding):
        return
    if any(name.lower() == "content-encoding" for name, _ in response.headers):
        return
    response.body = await asyncio.get_running_loop().run_in_executor(None, _gzip, body)
    response.add_header("Content-Encoding", "gzip")
    response.add_header("Vary", "Accept-Encoding")
