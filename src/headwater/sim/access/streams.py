"""Standard input, output and error of a simulated program, and the pipe between two of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from headwater.base.channel import ChannelBroken

_PIPE_BYTES: Final = 64 * 1024


class Source(Protocol):
    """Where a program reads."""

    async def read(self) -> bytes:
        """The next bytes, b"" at the end."""
        ...


class Sink(Protocol):
    """Where a program writes; returns when there is room for more. Raises ChannelBroken."""

    async def write(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Streams:
    """What a program has of the outside. With `tty` a person types."""

    stdin: Source
    stdout: Sink
    stderr: Sink
    tty: bool = False


class NoInput:
    """An input that is at its end."""

    async def read(self) -> bytes:
        return b""


class NoOutput:
    """An output that nobody reads."""

    async def write(self, data: bytes) -> None:
        return


class Pipe:
    """Source and sink at once; the writer waits while too much is unread, and breaks when the reader is gone."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._changed = asyncio.Condition()
        self._written = False
        self._abandoned = False

    async def read(self) -> bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._held or self._written)
            data = bytes(self._held)
            self._held.clear()
            self._changed.notify_all()
            return data

    async def write(self, data: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._held) < _PIPE_BYTES or self._abandoned)
            if self._abandoned:
                raise ChannelBroken("broken pipe")
            self._held += data
            self._changed.notify_all()

    async def finish(self) -> None:
        """The writer has ended."""
        async with self._changed:
            self._written = True
            self._changed.notify_all()

    async def abandon(self) -> None:
        """The reader has ended."""
        async with self._changed:
            self._abandoned = True
            self._changed.notify_all()


class Lines:
    """A source read by lines; what follows a line stays for whoever reads next."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rest = b""

    async def read(self) -> bytes:
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        return await self._source.read()

    def put_back(self, data: bytes) -> None:
        """Let the next reader have what was read too much."""
        self._rest = data + self._rest

    async def line(self, limit: int = 64 * 1024) -> bytes | None:
        """The next line without its end; None at the end of input. A longer one is cut."""
        while b"\n" not in self._rest and len(self._rest) < limit:
            more = await self._source.read()
            if not more:
                last, self._rest = self._rest, b""
                return last or None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line.rstrip(b"\r")
