"""One stream of a session: bytes both ways, each within a window that the receiver gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from headwater.base.channel import ChannelBroken
from headwater.tunnel.frames import (
    MAX_DATA_BYTES,
    WINDOW_BYTES,
    Frame,
    FrameError,
    FrameType,
    reason_frame,
    window_frame,
)


class Outlet(Protocol):
    """Where a stream's frames go."""

    def control(self, frame: Frame) -> None:
        """Queue a frame that does not wait for data."""
        ...

    async def data(self, frame: Frame, *, wanted: Callable[[], bool]) -> None:
        """Queue data once there is room, if it is still wanted then. Raises ChannelBroken."""
        ...

    def after_data(self, frame: Frame) -> None:
        """Queue a frame that must not overtake the data before it."""
        ...

    def forget(self, number: int) -> None:
        """Both directions of this stream have ended."""
        ...


class Stream:
    """Implements `base.channel.ByteChannel`. What the peer sends beyond its window ends the session.

    At most `WINDOW_BYTES` wait here to be read. `head` is the OPEN frame's payload; `answer` waits for the other one.
    """

    def __init__(self, number: int, outlet: Outlet, head: bytes = b"") -> None:
        self.number = number
        self.head = head
        self._outlet = outlet
        self._received = bytearray()
        self._owed = 0
        self._room = WINDOW_BYTES
        self._ended_by_peer = False
        self._ended_by_us = False
        self._broken: str | None = None
        self._changed = asyncio.Event()
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def over(self) -> bool:
        """Whether nothing more will come or go."""
        return self._broken is not None or (self._ended_by_peer and self._ended_by_us)

    # -- for users -------------------------------------------------------------------------------------------------

    async def answer(self) -> bytes:
        """The ANSWER to a stream that we opened. Raises ChannelBroken."""
        return await asyncio.shield(self._answer)

    def reply(self, payload: bytes) -> None:
        """Send the ANSWER to a stream that the peer opened."""
        if not self.over:
            self._outlet.control(Frame(FrameType.ANSWER, self.number, payload))

    async def read(self) -> bytes:
        while not self._received:
            if self._broken is not None:
                raise ChannelBroken(self._broken)
            if self._ended_by_peer:
                return b""
            await self._wait()
        # Gathered in one piece, so that many small frames take no more memory than a few large ones.
        data = bytes(self._received)
        self._received.clear()
        self._owed += len(data)
        if self._owed >= WINDOW_BYTES // 2 and not self._ended_by_peer and self._broken is None:
            self._outlet.control(window_frame(self.number, self._owed))
            self._owed = 0
        return data

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            while self._room <= 0 and self._writable():
                await self._wait()
            if not self._writable():
                raise ChannelBroken(self._broken or "the stream was closed")
            piece = view[: min(MAX_DATA_BYTES, self._room)]
            self._room -= len(piece)
            view = view[len(piece) :]
            await self._outlet.data(Frame(FrameType.DATA, self.number, bytes(piece)), wanted=self._writable)

    def _writable(self) -> bool:
        return self._broken is None and not self._ended_by_us

    def end(self) -> None:
        """Nothing more will be written; reading goes on."""
        if self._ended_by_us or self._broken is not None:
            return
        self._ended_by_us = True
        self._outlet.after_data(Frame(FrameType.END, self.number))
        self._settle()

    def close(self, reason: str = "") -> None:
        """End both directions. In order when no reason is given: what was written before arrives."""
        if self.over:
            return
        if not reason:
            self.end()
        if not self.over:
            # Whoever closes reads no more, so a peer that has not ended has to be told.
            self._outlet.after_data(reason_frame(FrameType.RESET, self.number, reason))
            self.fail(reason or "the stream was closed")

    # -- for the session -------------------------------------------------------------------------------------------

    def take(self, frame: Frame) -> None:
        """A frame of this stream has come. Raises FrameError for one that breaks the rules."""
        if frame.type is FrameType.DATA:
            self._take_data(frame.payload)
        elif frame.type is FrameType.WINDOW:
            self._room += frame.credit
            if self._room > WINDOW_BYTES:
                raise FrameError(f"stream {self.number} got more window than it used")
        elif frame.type is FrameType.END:
            self._ended_by_peer = True
            self._settle()
        elif frame.type is FrameType.RESET:
            self._reset(frame.reason)
        elif frame.type is FrameType.ANSWER:
            if self._answer.done():
                raise FrameError(f"stream {self.number} was answered twice")
            self._answer.set_result(frame.payload)
        self._changed.set()

    def fail(self, reason: str) -> None:
        """Break both directions; what has been received can still be read."""
        if self._broken is None:
            self._broken = reason
        if not self._answer.done():
            self._answer.set_exception(ChannelBroken(reason))
        self._changed.set()
        self._outlet.forget(self.number)

    def _take_data(self, data: bytes) -> None:
        if self._ended_by_peer:
            raise FrameError(f"data after the end of stream {self.number}")
        if len(self._received) + len(data) + self._owed > WINDOW_BYTES:
            raise FrameError(f"stream {self.number} exceeded its window")
        self._received += data

    def _reset(self, reason: str) -> None:
        if not reason and self._ended_by_peer:
            self._ended_by_us = True
            self._settle()
        else:
            self.fail(reason or "the other side closed the stream")

    def _settle(self) -> None:
        if self._ended_by_peer and self._ended_by_us:
            if not self._answer.done():
                self._answer.set_exception(ChannelBroken("the stream ended without an answer"))
            self._outlet.forget(self.number)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
