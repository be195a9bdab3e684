"""The one shape of everything that answers HTTP here: a request goes in, a response or a stream comes out.

The network server, the in-process transport, filters, handlers and virtual workspaces all meet on these types,
so none of them knows which of the others it talks to.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from headwater.apiserver.authn.interface import NOBODY, UserInfo
from headwater.apiserver.requestinfo import NO_INFO, RequestInfo
from headwater.base.channel import ByteChannel
from headwater.machinery.objects import Object

MAX_QUERY_FIELDS = 256
UPGRADED_UNREAD_SECONDS = 3600.0
MAX_WARNINGS = 64


class Query:
    """Query parameters, split only when the first one is asked for; `raw` is the text after the question mark."""

    __slots__ = ("_pairs", "raw")

    def __init__(self, raw: str = "") -> None:
        self.raw = raw
        self._pairs: dict[str, list[str]] | None = None

    def _split(self) -> dict[str, list[str]]:
        pairs: dict[str, list[str]] = {}
        if self.raw:
            # Raises ValueError above the field limit; the server checks that before a handler can see the request.
            for name, value in parse_qsl(self.raw, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS):
                pairs.setdefault(name, []).append(value)
        self._pairs = pairs
        return pairs

    def get(self, name: str, default: str = "") -> str:
        """The first value of a parameter, or `default` when it is absent."""
        pairs = self._pairs
        if pairs is None:
            pairs = self._split()
        values = pairs.get(name)
        return values[0] if values else default

    def get_all(self, name: str) -> Sequence[str]:
        """Every value of a parameter, in the order of the URL."""
        pairs = self._pairs
        if pairs is None:
            pairs = self._split()
        return pairs.get(name, ())

    def __contains__(self, name: object) -> bool:
        pairs = self._pairs
        if pairs is None:
            pairs = self._split()
        return name in pairs

    def __bool__(self) -> bool:
        return bool(self.raw)

    def pairs(self) -> list[tuple[str, str]]:
        """All (name, value) pairs."""
        split = self._pairs if self._pairs is not None else self._split()
        return [(name, value) for name, values in split.items() for value in values]


class Headers(dict[str, str]):
    """Request headers by lower-case name; of a repeated header the plain value is the first one."""

    __slots__ = ("_repeated",)

    def __init__(self, pairs: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        super().__init__()
        self._repeated: dict[str, list[str]] | None = None
        for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
            self.add(name.lower(), value)

    def add(self, name: str, value: str) -> None:
        """Adds a value under a name that is lower-case already."""
        if name in self:
            if self._repeated is None:
                self._repeated = {}
            self._repeated.setdefault(name, [self[name]]).append(value)
        else:
            self[name] = value

    def get_all(self, name: str) -> Sequence[str]:
        """Every value of a header, in the order in which they were sent."""
        if self._repeated is not None and name in self._repeated:
            return self._repeated[name]
        return (self[name],) if name in self else ()


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection. A name or organization is there only from a certificate that was verified."""

    remote: str = ""
    cert_common_name: str = ""
    cert_organizations: tuple[str, ...] = ()
    cert_identifier: str = ""


IN_PROCESS = Peer(remote="in-process")

BodyReader = Callable[[int], Awaitable[bytes]]


async def _empty_body(limit: int) -> bytes:
    return b""


class Request:
    """One request. The server fills the first line of slots; filters fill `info`, `user` and `cluster` on the way in.

    `path` is percent-decoded and starts with a slash; `target` is what the client sent. `received_at` is in seconds of
    the monotonic clock. `extras` is for what two parts of the chain must tell each other and no contract names.
    """

    __slots__ = (
        "_body", "_read_body", "audit_id", "cluster", "extras", "headers", "info", "method", "path", "peer", "query",
        "received_at", "target", "user", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Headers | None = None,
        peer: Peer = IN_PROCESS,
        read_body: BodyReader = _empty_body,
        target: str = "",
        received_at: float = 0.0,
        user: UserInfo = NOBODY,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query if query is not None else Query()
        self.headers = headers if headers is not None else Headers()
        self.peer = peer
        self.target = target or path
        self.received_at = received_at
        self._read_body = read_body
        self._body: bytes | None = None
        self.info: RequestInfo = NO_INFO
        self.user = user
        self.cluster = ""
        self.audit_id = ""
        self.warnings: list[str] | None = None
        self.extras: dict[str, Any] = {}

    async def body(self, limit: int) -> bytes:
        """The whole body, read once. Raises RequestEntityTooLarge above `limit` bytes."""
        if self._body is None:
            self._body = await self._read_body(limit)
        return self._body

    def warn(self, text: str) -> None:
        """Adds a warning for people, sent as a `Warning: 299` header; those beyond `MAX_WARNINGS` are left out."""
        if self.warnings is None:
            self.warnings = []
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)


HeaderPairs = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Response:
    """A whole answer. A body of several pieces is sent as it is, without joining."""

    status: int = 200
    body: bytes | list[bytes] = b""
    content_type: str = "application/json"
    headers: HeaderPairs = ()

    def add_header(self, name: str, value: str) -> None:
        """Adds a header without touching a sequence that another response may share."""
        self.headers = (*self.headers, (name, value))


class EventSource(Protocol):
    """The events of a watch as (type, object), for a reader in this process; the objects are shared, not to change."""

    def __aiter__(self) -> AsyncGenerator[list[tuple[str, Object]], None]: ...

    def close(self) -> None:
        """End the iteration, also while another task waits in it."""
        ...


@dataclass(slots=True)
class StreamResponse:
    """An answer that goes on: every chunk is sent as soon as the connection takes it.

    Whoever consumes the stream calls `finish` once, at its end, however it ends. A watch may offer its `events` too;
    who takes those leaves `chunks` alone. `unread_seconds` is how long the peer may leave it unread, None for the
    server's limit: a person may stop the output for a while.
    """

    status: int
    content_type: str
    chunks: AsyncIterator[bytes]
    headers: HeaderPairs = ()
    on_finish: list[Callable[[], None]] = field(default_factory=list)
    events: EventSource | None = None
    unread_seconds: float | None = None

    def add_header(self, name: str, value: str) -> None:
        """Adds a header without touching a sequence that another response may share."""
        self.headers = (*self.headers, (name, value))

    async def finish(self) -> None:
        """Ends the source of the chunks and tells everyone who counts open streams."""
        callbacks, self.on_finish = self.on_finish, []
        try:
            close = getattr(self.chunks, "aclose", None)
            if close is not None:
                await close()
        finally:
            for callback in callbacks:
                callback()


class _Nothing:
    """A stream that is at its end."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


class UpgradeResponse(StreamResponse):
    """An answer 101 after which the connection belongs to `serve`, as bytes both ways; its end is the connection's.

    For those who count and record open streams it is one of them, without chunks.
    """

    __slots__ = ("serve",)

    def __init__(self, serve: Callable[[ByteChannel], Awaitable[None]], *, headers: HeaderPairs) -> None:
        super().__init__(101, "", _Nothing(), headers, unread_seconds=UPGRADED_UNREAD_SECONDS)
        self.serve = serve


AnyResponse = Response | StreamResponse
Handler = Callable[[Request], Awaitable[AnyResponse]]
Filter = Callable[[Request, Handler], Awaitable[AnyResponse]]


def decode_path(raw: str) -> str:
    """The decoded path of a request target. Raises ValueError for bytes that are not UTF-8."""
    return unquote(raw, errors="strict") if "%" in raw else raw
