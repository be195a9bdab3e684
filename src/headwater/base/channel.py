"""Bytes both ways with back-pressure: an upgraded connection, or a stream of a tunnel, as their users see them."""

from __future__ import annotations

import asyncio
from typing import Protocol


class ChannelBroken(Exception):
    """The channel ended without its end; the message says why, for people."""


class ByteChannel(Protocol):
    """One reader and one writer at a time. What the reader does not take makes the writer at the other end wait."""

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. Raises ChannelBroken."""
        ...

    async def write(self, data: bytes) -> None:
        """Send; returns when there is room for more. Raises ChannelBroken."""
        ...

    def close(self, reason: str = "") -> None:
        """End both directions; without a reason in order, after what was written. May be called again."""
        ...


async def splice(first: ByteChannel, second: ByteChannel) -> str:
    """`relay`, and then end both."""
    reason = "the connection was ended"
    try:
        reason = await relay(first, second)
    finally:
        first.close(reason)
        second.close(reason)
    return reason


async def relay(first: ByteChannel, second: ByteChannel) -> str:
    """Copy bytes both ways until one side has ended; answers why, "" for an end in order.

    Connections that were upgraded have no half-open state worth keeping: the protocols in them say goodbye themselves.
    """
    pumps = {asyncio.ensure_future(_copy(first, second)), asyncio.ensure_future(_copy(second, first))}
    reason: str | None = None
    try:
        waiting = pumps
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            reason = next((found for found in (pump.result() for pump in done) if found is not None), None)
            if reason is not None:
                break
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    return reason or ""


async def _copy(source: ByteChannel, sink: ByteChannel) -> str | None:
    """Why the source ended; None when the sink takes no more, as what it still has to say is for the other pump."""
    while True:
        try:
            data = await source.read()
        except ChannelBroken as error:
            return str(error) or "the connection broke"
        if not data:
            return ""
        try:
            await sink.write(data)
        except ChannelBroken:
            return None
