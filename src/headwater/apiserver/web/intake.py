"""The body of the request in progress: wakes the handler that waits for it, within the limit that it sets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from headwater.apiserver.web.parser import Body
from headwater.apiserver.web.reading import UNASKED_BYTES, Reader
from headwater.machinery.errors import BadRequest, RequestEntityTooLarge


class BodyIntake:
    """One request's body. `progress_at` is when its last byte came; `awaited` while a handler waits for it."""

    __slots__ = (
        "_body", "_expects_continue", "_loop", "_maximum", "_reader", "_send_continue", "_waiter", "progress_at",
    )  # fmt: skip

    def __init__(
        self,
        body: Body,
        reader: Reader,
        *,
        loop: asyncio.AbstractEventLoop,
        maximum: int,
        expects_continue: bool,
        send_continue: Callable[[], None],
    ) -> None:
        self._body = body
        self._reader = reader
        self._loop = loop
        self._maximum = maximum
        self._expects_continue = expects_continue
        self._send_continue = send_continue
        self._waiter: asyncio.Future[None] | None = None
        self.progress_at = loop.time()

    @property
    def complete(self) -> bool:
        return self._body.complete

    @property
    def awaited(self) -> bool:
        return self._waiter is not None

    @property
    def skippable(self) -> bool:
        """Whether the rest is known to come and short enough to read over, so that the connection can go on."""
        body = self._body
        if body.complete:
            return True
        return 0 <= body.length - body.received <= UNASKED_BYTES and not self._expects_continue

    def progress(self) -> None:
        """More of the body may have come."""
        self.progress_at = self._loop.time()
        if self._waiter is not None and not self._waiter.done() and self._settled(self._reader.body_limit):
            self._waiter.set_result(None)

    def skip(self) -> bool:
        """Reads over what has come; True once the body is at its end."""
        self._reader.body_limit = sys.maxsize
        self._reader.read_on()
        self._body.pieces.clear()
        return self._body.complete

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises RequestEntityTooLarge, and BadRequest when its framing is broken."""
        body = self._body
        limit = min(limit, self._maximum)
        if body.length > limit:
            raise _too_large(limit)
        if not self._settled(limit):
            await self._rest(limit)
        if body.error:
            raise BadRequest(body.error)
        if body.received > limit:
            raise _too_large(limit)
        return body.pieces[0] if len(body.pieces) == 1 else b"".join(body.pieces)

    def _settled(self, limit: int) -> bool:
        body = self._body
        return body.complete or body.received > limit or body.error != ""

    async def _rest(self, limit: int) -> None:
        self._reader.body_limit = limit
        self._reader.read_on()
        if self._settled(limit):
            return
        if self._expects_continue and not self._body.received:
            self._expects_continue = False
            self._send_continue()
        self.progress_at = self._loop.time()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: limit is {limit}")
