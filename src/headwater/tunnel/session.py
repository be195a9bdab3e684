"""A session: the streams of one tunnel over one link, with keepalive and bounds on everything that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from headwater.base.channel import ChannelBroken
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.telemetry.logging import get_logger
from headwater.tunnel.frames import Frame, FrameError, FrameType, decode, reason_frame
from headwater.tunnel.interface import Link, LinkBroken
from headwater.tunnel.metrics import SessionMetrics
from headwater.tunnel.stream import Stream

log = get_logger("tunnel")

_MAX_STREAM_NUMBER: Final = 2**32 - 1
_MAX_WAITING_FRAMES: Final = 4096

Accept = Callable[[Stream], Awaitable[None]]
"""Serves a stream that the peer opened; the stream is closed when it returns."""


Renewed = Callable[[str], None]
"""Hears of the credential that the agent has now, as the value of an Authorization header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Bounds of one session; seconds. `data_frames` may wait for the link, of all streams together."""

    streams: int = 256
    data_frames: int = 16
    keepalive_seconds: float = 15.0
    silence_seconds: float = 40.0


class TooManyStreams(Exception):
    """The session has as many streams as it may have."""


class Session:
    """`run` carries the session until it ends; streams live no longer than that.

    The control plane gives no `accept` and opens streams; the agent gives one, and opens none. Data of all streams
    takes turns on the link; frames that give back windows or keep the session alive go first.
    """

    def __init__(
        self,
        link: Link,
        *,
        clock: Clock,
        metrics: SessionMetrics,
        accept: Accept | None = None,
        renewed: Renewed | None = None,
        limits: SessionLimits | None = None,
    ) -> None:
        self._link = link
        self._clock = clock
        self._metrics = metrics
        self._accept = accept
        self._renewed = renewed
        self._limits = limits or SessionLimits()
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self._first_frames: deque[Frame] = deque()
        self._frames: deque[Frame] = deque()
        self._slots = asyncio.Semaphore(self._limits.data_frames)
        self._wake = asyncio.Event()
        self._heard_at = clock.monotonic()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._group = TaskGroup("tunnel session")

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def alive(self) -> bool:
        """Whether streams can be opened."""
        return not self._ended.done()

    async def run(self) -> str:
        """Carry the session until the link ends, `end` is called, or the peer breaks the rules; answers why."""
        reason = "the tunnel was closed"
        self._metrics.sessions.inc()
        for name, work in (("reader", self._read()), ("writer", self._write()), ("keepalive", self._keep_alive())):
            self._group.start(self._until_broken(work), name=name)
        try:
            reason = await asyncio.shield(self._ended)
        finally:
            self.end(reason)
            self._metrics.sessions.dec()
            await self._finish(reason)
        return reason

    def end(self, reason: str) -> None:
        """End the session; `run` returns soon after, and every stream has broken for this reason."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def renew(self, authorization: str) -> None:
        """Tell the control plane the credential of now, so that the tunnel outlives the one that opened it."""
        self.control(Frame(FrameType.RENEW, 0, authorization.encode()))

    def open(self, head: bytes) -> Stream:
        """A new stream. Raises TooManyStreams, ChannelBroken when the session has ended, FrameError for a long head."""
        if not self.alive or self._last >= _MAX_STREAM_NUMBER:
            raise ChannelBroken("the tunnel is closed")
        if len(self._streams) >= self._limits.streams:
            raise TooManyStreams(f"{len(self._streams)} streams are open")
        frame = Frame(FrameType.OPEN, self._last + 1, head)
        frame.encode()
        self._last = frame.stream
        stream = self._register(Stream(frame.stream, self))
        # Behind the ends of streams before it, so that the peer never counts more streams than there are here.
        self.after_data(frame)
        return stream

    # -- the outlet of streams -------------------------------------------------------------------------------------

    def control(self, frame: Frame) -> None:
        self._queue(self._first_frames, frame)

    def after_data(self, frame: Frame) -> None:
        self._queue(self._frames, frame)

    async def data(self, frame: Frame, *, wanted: Callable[[], bool]) -> None:
        await self._slots.acquire()
        if not self.alive or not wanted():
            # While this waited the stream was ended, and after its end nothing of it may come.
            self._slots.release()
            raise ChannelBroken("the stream was closed")
        self._queue(self._frames, frame)

    def forget(self, number: int) -> None:
        if self._streams.pop(number, None) is not None:
            self._metrics.streams.dec()

    def _register(self, stream: Stream) -> Stream:
        self._streams[stream.number] = stream
        self._metrics.streams.inc()
        self._metrics.opened.inc()
        return stream

    def _queue(self, queue: deque[Frame], frame: Frame) -> None:
        if len(queue) >= _MAX_WAITING_FRAMES:
            self.end("the other side does not read")
            return
        queue.append(frame)
        self._wake.set()

    # -- tasks -----------------------------------------------------------------------------------------------------

    async def _until_broken(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (LinkBroken, FrameError) as error:
            self.end(str(error) or "the tunnel broke")

    async def _read(self) -> None:
        while True:
            message = await self._link.receive()
            self._heard_at = self._clock.monotonic()
            self._take(decode(message))

    async def _write(self) -> None:
        while True:
            while self._first_frames or self._frames:
                frame = (self._first_frames or self._frames).popleft()
                try:
                    await self._link.send(frame.encode())
                finally:
                    if frame.type is FrameType.DATA:
                        self._metrics.sent.inc(len(frame.payload))
                        self._slots.release()
            self._wake.clear()
            await self._wake.wait()

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(self._limits.keepalive_seconds)
            if self._clock.monotonic() - self._heard_at > self._limits.silence_seconds:
                raise LinkBroken("the other side of the tunnel has fallen silent")
            self.control(Frame(FrameType.PING))

    def _take(self, frame: Frame) -> None:
        if frame.type is FrameType.PING:
            self.control(Frame(FrameType.PONG, 0, frame.payload))
        elif frame.type is FrameType.BYE:
            raise LinkBroken(frame.reason or "the other side closed the tunnel")
        elif frame.type is FrameType.RENEW:
            if self._renewed is None:
                raise FrameError("a credential is not taken here")
            self._renewed(frame.payload.decode("latin-1"))
        elif frame.type is FrameType.OPEN:
            self._opened(frame)
        elif frame.type is not FrameType.PONG:
            stream = self._streams.get(frame.stream)
            if stream is not None:
                if frame.type is FrameType.DATA:
                    self._metrics.received.inc(len(frame.payload))
                stream.take(frame)
            elif frame.stream > self._last:
                raise FrameError(f"{frame.type.name} frame for stream {frame.stream}, which was never opened")

    def _opened(self, frame: Frame) -> None:
        if self._accept is None or frame.stream <= self._last:
            raise FrameError(f"stream {frame.stream} can't be opened")
        self._last = frame.stream
        if len(self._streams) >= self._limits.streams:
            self.after_data(reason_frame(FrameType.RESET, frame.stream, "the agent has too many streams open"))
            return
        stream = self._register(Stream(frame.stream, self, frame.payload))
        self._group.start(self._serve(self._accept, stream), name=f"stream {frame.stream}")

    async def _serve(self, accept: Accept, stream: Stream) -> None:
        try:
            await accept(stream)
        except ChannelBroken:
            pass  # The stream says so itself, at both ends.
        except Exception as error:  # One stream must not cost the others their session.
            log.error("stream failed", exc_info=error)
            stream.close("the agent failed")
        finally:
            stream.close()

    async def _finish(self, reason: str) -> None:
        for stream in tuple(self._streams.values()):
            stream.fail(reason)
        # Whoever waits to queue data has to hear of it.
        for _ in range(self._limits.streams):
            self._slots.release()
        await self._group.close()
        try:
            async with asyncio.timeout(1.0):
                await self._link.send(reason_frame(FrameType.BYE, 0, reason).encode())
        except (LinkBroken, TimeoutError):
            pass  # The usual case: the link is what ended.
        await self._link.close(reason)
