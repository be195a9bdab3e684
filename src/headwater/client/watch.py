"""A watch as a client sees it: the lines of one answer, decoded, until the server ends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

from headwater.base import jsonio
from headwater.client.answers import error_of
from headwater.client.interface import RawResponse, SharedEvents, Stream, TransportError, WatchEvent
from headwater.machinery.errors import from_status
from headwater.machinery.watch import ERROR

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_MAX_ERROR_BYTES: Final = 64 * 1024


class Watch:
    """Events of one watch request; iterate it once, and close it (or use it as a context manager).

    The request is sent when iteration starts. The iteration ends when the server ends the watch, which it does
    regularly; it raises StatusError for an ERROR event or a refusal, and TransportError for a broken connection.
    """

    def __init__(self, open_stream: Callable[[], Awaitable[Stream]]) -> None:
        self._open_stream = open_stream
        self._stream: Stream | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop watching. A task that iterates then comes to the end."""
        self._closed = True
        if self._stream is not None:
            await self._stream.close()

    async def __aiter__(self) -> AsyncIterator[WatchEvent]:
        try:
            async with aclosing(self.batches()) as batches:
                async for batch in batches:
                    for event in batch:
                        yield event
        finally:
            await self.close()

    async def batches(self, *, shared: bool = False) -> AsyncGenerator[list[WatchEvent], None]:
        """The events in the groups in which they arrived; cheaper than one by one.

        Who asks for `shared` objects must not change them: a watch within this process then decodes nothing of its own.
        """
        if self._closed:
            return
        assert self._stream is None, "a watch can be iterated once"
        self._stream = stream = await self._open_stream()
        try:
            if stream.status != 200:
                raise error_of(RawResponse(stream.status, stream.headers, await _read(stream)))
            if shared and isinstance(stream, SharedEvents):
                async with aclosing(stream.shared_events()) as groups:
                    async for events in groups:
                        yield events
                return
            async for lines in _lines(stream):
                events = [_decode(line) for line in lines]
                if events:
                    yield events
        finally:
            await stream.close()


def _decode(line: bytes) -> WatchEvent:
    try:
        event = jsonio.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise TransportError(f"watch sent a line that is not a watch event: {error}") from error
    if kind == ERROR:
        raise from_status(obj)
    return kind, obj


async def _lines(stream: Stream) -> AsyncIterator[list[bytes]]:
    """Complete lines without their ends. Bytes after the last line end are dropped: the event was cut off."""
    pieces: list[bytes] = []
    held = 0
    async for chunk in stream:
        head, end, rest = chunk.rpartition(b"\n")
        if not end:
            pieces.append(chunk)
            held += len(chunk)
            if held > MAX_LINE_BYTES:
                raise TransportError(f"watch sent a line of more than {MAX_LINE_BYTES} bytes")
            continue
        pieces.append(head)
        lines = b"".join(pieces).split(b"\n")
        pieces = [rest] if rest else []
        held = len(rest)
        yield [line for line in lines if line]


async def _read(stream: Stream) -> bytes:
    body = b""
    async for chunk in stream:
        body += chunk
        if len(body) > _MAX_ERROR_BYTES:
            break
    return body
