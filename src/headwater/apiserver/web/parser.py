"""Takes requests out of the bytes of one connection; llhttp, the parser of Node.js, does the parsing.

Only the parser is a library's: a whole HTTP server of one, aiohttp's, would take 0.3 s of a start that has to be below
one second, and 15 MB, and its request cycle costs twice this one's.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import httptools

from headwater.apiserver.web.head import MAX_HEAD_BYTES, Fields, Head, HeadError, RawField, read_fields, read_head

MAX_FRAMING_BYTES: Final = 16 * 1024
"""The most that may come between two bytes of a chunked body, or after the last one: extensions and trailers."""


class Body:
    """What has come of one body. `length` is -1 when only its end will tell."""

    __slots__ = ("complete", "error", "length", "pieces", "received")

    def __init__(self, length: int) -> None:
        self.length = length
        self.pieces: list[bytes] = []
        self.received = 0
        self.complete = False
        self.error = ""
        """What is wrong with the framing; nothing after it on this connection can be trusted."""


class RequestParser:
    """Reads the requests of one connection.

    A request waits in `waiting` from the end of its head on, and its body grows as `feed` goes on. An `error` ends the
    connection, after all that waits. `in_head` says that a request has begun whose head is not complete.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[Head, Body | None]] = deque()
        self.error: HeadError | None = None
        self.in_head = False
        self._raw = b""
        self._read_to = 0
        self._target = b""
        self._raw_fields: list[RawField] = []
        # A client repeats its header lines with every request of a kind: equal ones are not read again, and their
        # `Fields` are the same object, which nobody may change.
        self._last_raw_fields: list[RawField] | None = None
        self._last_fields: Fields | None = None
        self._body: Body | None = None
        self._framing = 0
        self._body_follows = False
        self._resuming = False
        self._llhttp = httptools.HttpRequestParser(self)

    def close(self) -> None:
        """Lets go of the library's parser, which refers back to this one."""
        del self._llhttp

    def feed(self, data: bytes) -> None:
        """Reads on. All that is fed together is read at once, so the caller bounds it."""
        self._raw = self._raw + data if self.in_head else data
        self._read_to = 0
        body = self._body
        received = 0 if body is None else body.received
        try:
            while data:
                try:
                    self._llhttp.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    data = data[upgrade.args[0] :]
                    if self._body_follows:
                        self._resume_body()
            if self.in_head:
                if len(self._raw) > MAX_HEAD_BYTES:
                    raise _too_large()
            elif body is not None and body.length < 0 and body is self._body:
                self._framing = self._framing + len(data) if body.received == received else 0
                if self._framing > MAX_FRAMING_BYTES:
                    raise HeadError(400, "chunk extensions or trailers are too long")
        except HeadError as error:
            self._fail(error)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, HeadError):
                raise
            self._fail(cause)
        except httptools.HttpParserError as error:
            self._fail(HeadError(400, f"malformed request: {error}"))

    def _fail(self, error: HeadError) -> None:
        self.error = error
        if self._body is not None:
            self._body.error = error.message

    def _resume_body(self) -> None:
        """Has the body read of a request that asks for an upgrade.

        The library takes what follows such a head for another protocol, whatever length it announces. Nobody switches
        protocols on a request with a body, so it is told of that length once more, in a head that asks for nothing.
        """
        assert self._body is not None
        self._body_follows = False
        self._resuming = True
        length = self._body.length
        framing = b"Transfer-Encoding: chunked" if length < 0 else b"Content-Length: %d" % length
        self._llhttp.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)

    # -- called by the library -------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.in_head = True
        self._target = b""
        self._raw_fields = []

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw_fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self._resuming:
            self._resuming = False
            return
        llhttp, target, raw_fields = self._llhttp, self._target, self._raw_fields
        method = llhttp.get_method()
        line = method + b" " + target + b" HTTP/1.1\r\n"
        if self._raw.startswith(line, self._read_to):
            minor = 1
            self._read_to += len(line)
        else:
            minor = self._other_line(method)
        fields = self._last_fields
        if fields is None or raw_fields != self._last_raw_fields or minor != fields.http_minor:
            fields = read_fields(
                raw_fields, http_minor=minor, keep_alive=llhttp.should_keep_alive(), upgrade=llhttp.should_upgrade()
            )
            self._last_raw_fields, self._last_fields = raw_fields, fields
        if len(self._raw) > MAX_HEAD_BYTES and self._raw.find(b"\r\n\r\n") > MAX_HEAD_BYTES:
            raise _too_large()
        if fields.content_length:
            self._body = Body(fields.content_length)
            self._framing = 0
            self._body_follows = fields.upgrade
        self.waiting.append((read_head(method, target, fields), self._body))

    def _other_line(self, method: bytes) -> int:
        """Finds a request line that isn't the first thing in what was fed, or not of HTTP/1.1; the minor version.

        What the library takes for a request line is wider: more spaces, other protocols, none at all.
        """
        version = self._llhttp.get_http_version()
        line = b"%b %b HTTP/%b\r\n" % (method, self._target, version.encode())
        at = self._raw.find(line, self._read_to)
        if at < 0 or version not in ("1.0", "1.1"):
            raise HeadError(400, "malformed request line")
        self._read_to = at + len(line)
        return int(version == "1.1")

    def on_body(self, piece: bytes) -> None:
        body = self._body
        assert body is not None
        body.pieces.append(piece)
        body.received += len(piece)

    def on_message_complete(self) -> None:
        if self._body is not None and not self._body_follows:
            self._body.complete = True
            self._body = None


def _too_large() -> HeadError:
    return HeadError(431, f"the request's head is larger than {MAX_HEAD_BYTES} bytes")
