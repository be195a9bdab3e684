"""A request that takes its connection out of HTTP, as `kubectl exec` does: one connection, one request, then bytes.

The HTTP library of the client has no public way to hand its connection over, so this is written on asyncio's streams.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from headwater.base.channel import ChannelBroken
from headwater.client.interface import TransportError
from headwater.client.probes import probe

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024
_READ_BYTES: Final = 32 * 1024
_BUFFER_BYTES: Final = 64 * 1024
_TOKEN_CHARACTERS: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(slots=True)
class Upgraded:
    """Status 101 with a `channel`, or another one with the `body` of an error. Header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    channel: SocketChannel | None = None
    body: bytes = b""


class SocketChannel:
    """Implements `base.channel.ByteChannel` on a connection of asyncio."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError as error:
            raise ChannelBroken(f"the connection to the pcluster broke: {error}") from error

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ChannelBroken(f"the connection to the pcluster broke: {error}") from error

    def close(self, reason: str = "") -> None:
        self._writer.close()


async def open_upgrade(
    url: str,
    *,
    method: str,
    headers: Iterable[tuple[str, str]],
    context: ssl.SSLContext | None,
    server_name: str = "",
    connect_seconds: float = 15.0,
) -> Upgraded:
    """Send the request on a connection of its own and read the answer's head. Raises TransportError.

    `headers` must hold `upgrade`; Host and Connection are added. Whoever gets a channel closes it.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        async with asyncio.timeout(connect_seconds):
            reader, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=context if secure else None,
                server_hostname=(server_name or parts.hostname) if secure else None,
                limit=_BUFFER_BYTES,
            )
    except (OSError, ssl.SSLError, TimeoutError) as error:
        raise TransportError(f"can't connect to {parts.netloc}: {error or 'no answer'}", sent=False) from error
    probe(writer.get_extra_info("socket"))
    writer.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
    handed_over = False
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        writer.write(_head(method, target, parts.netloc, headers))
        status, fields = _read_head(await _until_blank_line(reader))
        if status == 101:
            handed_over = True
            return Upgraded(status, fields, SocketChannel(reader, writer))
        return Upgraded(status, fields, body=await _error_body(reader, fields))
    except OSError as error:
        raise TransportError(f"{method} {parts.netloc}{parts.path}: {error or type(error).__name__}") from error
    finally:
        if not handed_over:
            writer.close()


def _head(method: str, target: str, host: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: Upgrade"]
    if method != "GET":
        lines.append("Content-Length: 0")
    for name, value in headers:
        if not name or not _TOKEN_CHARACTERS.issuperset(name) or not value.isprintable():
            raise TransportError(f"the header {name[:40]!r} can't be sent", sent=False)
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")


async def _until_blank_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise TransportError("the server closed the connection without an answer") from error
    except asyncio.LimitOverrunError as error:
        raise TransportError(f"the answer's head is larger than {MAX_HEAD_BYTES} bytes") from error


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = status_line.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not (parts[1].isdigit() and len(parts[1]) == 3):
        raise TransportError("the answer is not HTTP/1.1")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN_CHARACTERS.issuperset(name):
            raise TransportError("the answer has a malformed header")
        key = name.lower()
        fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    return int(parts[1]), fields


async def _error_body(reader: asyncio.StreamReader, fields: Mapping[str, str]) -> bytes:
    """The beginning of an error's body, as much as an error should have."""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return await _chunked(reader)
    length = fields.get("content-length", "")
    limit = min(int(length), MAX_ERROR_BYTES) if length.isdigit() else MAX_ERROR_BYTES
    body = b""
    while len(body) < limit and (piece := await reader.read(limit - len(body))):
        body += piece
    return body


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while len(body) < MAX_ERROR_BYTES:
        try:
            size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
            if not 0 < size <= MAX_ERROR_BYTES:
                break
            body += (await reader.readexactly(size + 2))[:-2]
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            break
    return body
