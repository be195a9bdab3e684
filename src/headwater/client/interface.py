"""The seam between the client and whatever carries its requests: a network or an API server in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from headwater.machinery.objects import Object

Query = Sequence[tuple[str, str]]

WatchEvent = tuple[str, Object]
"""Type (ADDED, MODIFIED, DELETED, BOOKMARK) and object."""


class TransportError(Exception):
    """The request got no usable answer: connection refused, reset, TLS failure, name not found.

    ``sent`` is False when the request can't have reached the server, so that repeating it is safe for any verb.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class RequestTimeout(TransportError):
    """No complete answer within the request's timeout."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A complete answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Stream(Protocol):
    """An answer that arrives in pieces, such as a watch.

    Iterating yields chunks of bytes with arbitrary borders and ends when the server ends the answer; it raises
    TransportError when the connection breaks. A status other than 200 is not raised: the chunks are then the body of
    the error. Whoever opened a stream closes it.
    """

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers with names in lower case."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def close(self) -> None:
        """Drop the connection. May be called twice, and while another task iterates, which then ends."""
        ...


@runtime_checkable
class SharedEvents(Protocol):
    """What the stream of a watch can do besides when it never leaves this process."""

    def shared_events(self) -> AsyncGenerator[list[WatchEvent], None]:
        """The events instead of their bytes, in the same groups; raises StatusError for an ERROR event.

        The objects belong to everyone who watches, so they must not be changed.
        """
        ...


class Transport(Protocol):
    """Carries requests to one API server. ``path`` is absolute, percent-encoded and without a query.

    Raises TransportError; HTTP errors are answers, not exceptions. A transport may repeat requests that the server
    refused to work on (429, 503 with Retry-After), never others.
    """

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline for the carrier, which may have to tell the server
    ) -> RawResponse:
        """Send one request and read the whole answer. ``timeout`` is in seconds; None means the transport's default."""
        ...

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline for the carrier, which may have to tell the server
    ) -> Stream:
        """Send one request and return once the answer's head is there. ``timeout`` limits the wait for the head."""
        ...

    async def close(self) -> None:
        """Free connections. Requests after that raise TransportError."""
        ...
