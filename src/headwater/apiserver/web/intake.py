"""The body of the request in progress: collects what arrives, wakes the handler that waits, holds back the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from headwater.apiserver.web.body import BodyDecoder, BodyError, ChunkedBody, SizedBody
from headwater.apiserver.web.head import Head
from headwater.machinery.errors import BadRequest, RequestEntityTooLarge

UNASKED_BYTES: Final = 256 * 1024
"""How much of a body is taken in, or read over, without a handler asking for it."""


class Flow:
    """Pauses and resumes reading from a transport, once each."""

    __slots__ = ("_paused", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._paused = False

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()


class BodyIntake:
    """One request's body. `progress_at` is when its last byte came; `awaited` while a handler waits for it."""

    __slots__ = (
        "_announced", "_decoder", "_error", "_expects_continue", "_flow", "_input", "_limit", "_loop", "_maximum",
        "_send_continue", "_waiter", "progress_at",
    )  # fmt: skip

    def __init__(
        self,
        head: Head,
        data: bytearray,
        *,
        loop: asyncio.AbstractEventLoop,
        flow: Flow,
        maximum: int,
        send_continue: Callable[[], None],
    ) -> None:
        self._announced = head.content_length
        self._decoder: BodyDecoder = ChunkedBody() if head.content_length < 0 else SizedBody(head.content_length)
        self._expects_continue = head.expects_continue
        self._input = data
        self._loop = loop
        self._flow = flow
        self._maximum = maximum
        self._send_continue = send_continue
        self._limit = UNASKED_BYTES
        self._waiter: asyncio.Future[None] | None = None
        self._error: BodyError | None = None
        self.progress_at = loop.time()
        if data:
            self.feed()

    @property
    def complete(self) -> bool:
        return self._decoder.complete

    @property
    def awaited(self) -> bool:
        return self._waiter is not None

    @property
    def skippable(self) -> bool:
        """Whether the rest is known to come and short enough to read over, so that the connection can go on."""
        decoder = self._decoder
        if decoder.complete:
            return True
        return isinstance(decoder, SizedBody) and decoder.remaining <= UNASKED_BYTES and not self._expects_continue

    def feed(self) -> None:
        """Takes what belongs to the body from the input."""
        decoder = self._decoder
        if self._error is None and not decoder.complete:
            try:
                decoder.feed(self._input)
            except BodyError as error:
                self._error = error
        self.progress_at = self._loop.time()
        if decoder.complete or self._error is not None or len(decoder.received) > self._limit:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
            if not decoder.complete:
                self._flow.pause()

    def skip(self) -> bool:
        """Reads over what has come; True once the body is at its end."""
        self._limit = self._maximum
        self.feed()
        self._decoder.received.clear()
        return self._decoder.complete

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises RequestEntityTooLarge, and BadRequest when its framing is broken."""
        self._limit = limit = min(limit, self._maximum)
        if self._announced > limit:
            raise _too_large(limit)
        decoder = self._decoder
        if not decoder.complete and self._error is None and len(decoder.received) <= limit:
            if self._expects_continue and not decoder.received:
                self._expects_continue = False
                self._send_continue()
            self.progress_at = self._loop.time()
            self._waiter = self._loop.create_future()
            self._flow.resume()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._error is not None:
            raise BadRequest(f"malformed request body: {self._error}")
        if len(decoder.received) > limit:
            raise _too_large(limit)
        return bytes(decoder.received)


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: limit is {limit}")
