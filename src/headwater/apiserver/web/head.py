"""Reads the head of an HTTP/1.1 request, strictly. Pure.

Two parsers that read one message differently are how requests are smuggled past a proxy, so everything that RFC 9112
allows a server to refuse is refused: bare line feeds, folded lines, space before the colon, a length that is given
twice or beside a transfer coding.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from headwater.apiserver.web.types import MAX_QUERY_FIELDS, Headers, Query, decode_path

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 128
HEAD_END: Final = b"\r\n\r\n"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERSIONS: Final = {"HTTP/1.1": 1, "HTTP/1.0": 0}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS = re.compile(r"[0-9]{1,18}")
_KNOWN_NAMES: dict[str, str] = {}
_MAX_KNOWN_NAMES: Final = 512


class HeadError(Exception):
    """The head can't be served: `status` is the HTTP status to answer before the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Head(NamedTuple):
    """A parsed head. `content_length` is -1 for a chunked body and 0 for none."""

    method: str
    target: str
    path: str
    query: Query
    headers: Headers
    content_length: int
    keep_alive: bool
    expects_continue: bool
    http_minor: int


class _Fields(NamedTuple):
    """What the header lines say, apart from the request line."""

    headers: Headers
    content_length: int
    keep_alive: bool
    expects_continue: bool


class HeadReader:
    """Parses the heads of one connection.

    A client repeats its header lines with every request of a kind, so the last ones are kept: equal bytes are not
    parsed again, and their `Headers` are the same object, which nobody may change.
    """

    __slots__ = ("_block", "_fields", "_minor")

    def __init__(self) -> None:
        self._block = b""
        self._minor = -1
        self._fields: _Fields | None = None

    def parse(self, data: bytes) -> Head:
        """Parses a head without its closing empty line. Raises HeadError."""
        raw_line, _, block = data.partition(b"\r\n")
        line = raw_line.decode("latin-1")
        parts = line.split(" ")
        minor = _VERSIONS.get(parts[2], -1) if len(parts) == 3 else -1
        if minor < 0 or not parts[1] or not line.isprintable() or not line.isascii():
            raise HeadError(400, "malformed request line")
        method, target = parts[0], parts[1]
        if method not in _METHODS:
            raise HeadError(501, "unsupported method")
        fields = self._fields
        if fields is None or block != self._block or minor != self._minor:
            fields = _parse_fields(block, minor)
            self._block, self._minor, self._fields = block, minor, fields
        path, query = _split_target(target)
        headers, length, keep_alive, expects_continue = fields
        return Head(method, target, path, query, headers, length, keep_alive, expects_continue, minor)


def _parse_fields(block: bytes, minor: int) -> _Fields:
    lines = block.decode("latin-1").split("\r\n") if block else []
    # Almost every head is printable; only one that isn't pays for the search.
    if not (joined := "".join(lines)).isprintable() and _CONTROL.search(joined) is not None:
        raise HeadError(400, "the request's head has a control character in it")
    if len(lines) > MAX_HEADERS:
        raise HeadError(431, f"more than {MAX_HEADERS} request headers")
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        known = _KNOWN_NAMES.get(name)
        if known is None:
            known = _learn_name(name)
        if not colon:
            raise HeadError(400, "malformed header line")
        headers.add(known, value.strip(" \t"))
    keep_alive = _wants_keep_alive(headers["connection"], minor) if "connection" in headers else minor == 1
    expects_continue = minor == 1 and headers.get("expect", "").lower() == "100-continue"
    return _Fields(headers, _body_length(headers, minor), keep_alive, expects_continue)


def _learn_name(name: str) -> str:
    """The lower-case name after a check of its characters, remembered for the next request."""
    if _TOKEN.fullmatch(name) is None:
        raise HeadError(400, "malformed header name")
    lower = name.lower()
    if len(_KNOWN_NAMES) < _MAX_KNOWN_NAMES and len(name) < 64:
        _KNOWN_NAMES[name] = lower
    return lower


def _split_target(target: str) -> tuple[str, Query]:
    if target[0] != "/":
        # The absolute form is for proxies, but a server has to take it; what it names is ignored like the Host header.
        scheme, separator, rest = target.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            raise HeadError(400, "malformed request target")
        slash = rest.find("/")
        target = rest[slash:] if slash >= 0 else "/"
    raw_path, _, raw_query = target.partition("?")
    if raw_query.count("&") >= MAX_QUERY_FIELDS:
        raise HeadError(400, f"more than {MAX_QUERY_FIELDS} query parameters")
    try:
        return decode_path(raw_path), Query(raw_query)
    except ValueError:
        raise HeadError(400, "the request path is not valid UTF-8") from None


def _wants_keep_alive(connection: str, minor: int) -> bool:
    tokens = [token.strip().lower() for token in connection.split(",")]
    return "close" not in tokens if minor == 1 else "keep-alive" in tokens


def _body_length(headers: Headers, minor: int) -> int:
    if len(headers.get_all("host")) > 1 or (minor == 1 and "host" not in headers):
        raise HeadError(400, "exactly one Host header is required")
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is not None:
        if length is not None or minor == 0 or len(headers.get_all("transfer-encoding")) > 1:
            raise HeadError(400, "ambiguous message length")
        if coding.lower() != "chunked":
            raise HeadError(501, "unsupported transfer coding")
        return -1
    if length is None:
        return 0
    if len(headers.get_all("content-length")) > 1 or _DIGITS.fullmatch(length) is None:
        raise HeadError(400, "ambiguous message length")
    return int(length)
