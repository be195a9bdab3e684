"""Tests of joining two channels."""

from __future__ import annotations

import asyncio

from headwater.base.channel import ChannelBroken, relay, splice


class Memory:
    """A channel whose other end is the test: `incoming` is read, `written` is what was sent."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes | str] = asyncio.Queue()
        self.written: list[bytes] = []
        self.broken = False
        self.closed: str | None = None

    async def read(self) -> bytes:
        data = await self.incoming.get()
        if isinstance(data, str):
            raise ChannelBroken(data)
        return data

    async def write(self, data: bytes) -> None:
        if self.broken:
            raise ChannelBroken("nobody reads")
        self.written.append(data)

    def close(self, reason: str = "") -> None:
        self.closed = reason


def fed(*pieces: bytes | str) -> Memory:
    memory = Memory()
    for piece in pieces:
        memory.incoming.put_nowait(piece)
    return memory


async def test_everything_arrives_before_both_are_closed() -> None:
    left, right = fed(b"one", b"two", b""), Memory()
    assert await splice(left, right) == ""
    assert right.written == [b"one", b"two"]
    assert (left.closed, right.closed) == ("", "")


async def test_the_reason_of_a_break_reaches_both() -> None:
    left, right = fed(b"one", "cable cut"), Memory()
    assert await splice(left, right) == "cable cut"
    assert (left.closed, right.closed) == ("cable cut", "cable cut")


async def test_what_a_side_still_says_is_read_though_it_takes_no_more() -> None:
    """A program ends while its client still types: its last words must not be lost."""
    client, program = fed(b"typed"), Memory()
    program.broken = True
    joined = asyncio.ensure_future(relay(client, program))
    program.incoming.put_nowait(b"last words")
    program.incoming.put_nowait(b"")
    assert await joined == ""
    assert client.written == [b"last words"]


async def test_cancelling_closes_both() -> None:
    left, right = Memory(), Memory()
    joined = asyncio.ensure_future(splice(left, right))
    await asyncio.sleep(0)
    joined.cancel()
    await asyncio.gather(joined, return_exceptions=True)
    assert left.closed
    assert right.closed
