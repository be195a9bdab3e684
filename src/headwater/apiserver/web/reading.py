"""The reading half of a connection: parses what is wanted now, and holds back the rest, down to the peer."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.apiserver.web.head import Head, HeadError
from headwater.apiserver.web.parser import Body, RequestParser

_SLICE_BYTES: Final = 16 * 1024
_READ_AHEAD_BYTES: Final = 64 * 1024
UNASKED_BYTES: Final = 256 * 1024
"""How much of a body is taken in, or read over, without a handler asking for it."""


class Reader:
    """Gives the requests of a connection one after the other.

    Parsing stops when a request waits to be taken, when the current one is complete, and when its body is longer than
    `body_limit`; what the peer then sends is kept unread, and beyond `_READ_AHEAD_BYTES` the transport stops reading.
    """

    __slots__ = ("_body", "_parser", "_paused", "_transport", "_unread", "body_limit", "busy")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parser = RequestParser()
        self._unread = b""
        self._paused = False
        self._body: Body | None = None
        self.body_limit = UNASKED_BYTES
        self.busy = False

    @property
    def in_head(self) -> bool:
        """Whether a request has begun whose head is not complete."""
        return self._parser.in_head

    @property
    def error(self) -> HeadError | None:
        """What ends the connection, once nothing waits to be taken."""
        return self._parser.error

    def feed(self, data: bytes) -> None:
        """Takes what has arrived."""
        if self._unread or self._holds():
            self._keep(self._unread + data)
        elif len(data) <= _SLICE_BYTES:
            self._parser.feed(data)
        else:
            self._feed_slices(data)

    def read_on(self) -> None:
        """Goes on with what was kept, after something that held it back has gone."""
        data, self._unread = self._unread, b""
        if data:
            self._feed_slices(data)
        if self._paused and len(self._unread) <= _READ_AHEAD_BYTES and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def take(self) -> tuple[Head, Body | None] | None:
        """The next request, once its head is complete; the reader is `busy` with it until `done`."""
        if not self._parser.waiting:
            return None
        request = self._parser.waiting.popleft()
        self._body = request[1]
        self.body_limit = UNASKED_BYTES
        self.busy = True
        return request

    def done(self) -> None:
        """The request that was taken is answered, and its body at its end."""
        self.busy = False
        self._body = None
        if self._unread:
            self.read_on()

    def drop(self) -> None:
        """Lets go of what was kept, and reads on from the transport."""
        self._unread = b""
        self.read_on()

    def detach(self) -> bool:
        """Whether nothing came after the request that was taken, so that what comes next can be another protocol.

        A client has to wait for the answer to its upgrade; what it sent before that is read by two parties, or none.
        """
        parser = self._parser
        return not (self._unread or parser.waiting or parser.in_head or parser.error is not None)

    def close(self) -> None:
        """Nothing more will come."""
        self._parser.close()

    def _holds(self) -> bool:
        parser = self._parser
        if parser.waiting or parser.error is not None:
            return True
        body = self._body
        return self.busy and (body is None or body.complete or body.received > self.body_limit)

    def _feed_slices(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE_BYTES):
            if self._holds():
                self._keep(data[start:])
                return
            self._parser.feed(data[start : start + _SLICE_BYTES])

    def _keep(self, data: bytes) -> None:
        self._unread = data
        if len(data) > _READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
