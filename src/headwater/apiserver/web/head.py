"""What the head of a request says, beyond its grammar: version, target, host, framing. Pure.

The parser reads the grammar strictly; here is what it leaves to its caller. Two parsers that read one message
differently are how requests are smuggled past a proxy, so what RFC 9112 allows a server to refuse is refused.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from headwater.apiserver.web.types import MAX_QUERY_FIELDS, Headers, Query, decode_path

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 128

_METHODS: Final = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_NO_QUERY: Final = Query()
_KNOWN_NAMES: dict[bytes, str] = {}
_MAX_KNOWN_NAMES: Final = 512

RawField = tuple[bytes, bytes]


class HeadError(Exception):
    """The head can't be served: `status` is the HTTP status to answer before the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Fields(NamedTuple):
    """What the header lines say. `content_length` is -1 for a chunked body and 0 for none."""

    headers: Headers
    content_length: int
    keep_alive: bool
    expects_continue: bool
    upgrade: bool
    http_minor: int


class Head(NamedTuple):
    """A request without its body."""

    method: str
    target: str
    path: str
    query: Query
    fields: Fields


def read_head(method: bytes, target: bytes, fields: Fields) -> Head:
    """Reads the request line. Raises HeadError."""
    name = _METHODS.get(method)
    if name is None:
        raise HeadError(501, "unsupported method")
    text = target.decode("latin-1")
    path, _, raw_query = text.partition("?")
    if text[0] != "/":
        path, _, raw_query = _origin_form(text).partition("?")
    if not raw_query:
        query = _NO_QUERY
    elif raw_query.count("&") < MAX_QUERY_FIELDS:
        query = Query(raw_query)
    else:
        raise HeadError(400, f"more than {MAX_QUERY_FIELDS} query parameters")
    if "%" in path:
        try:
            path = decode_path(path)
        except ValueError:
            raise HeadError(400, "the request path is not valid UTF-8") from None
    return Head(name, text, path, query, fields)


def read_fields(raw: list[RawField], *, http_minor: int, keep_alive: bool, upgrade: bool) -> Fields:
    """Reads the header lines. Raises HeadError."""
    if len(raw) > MAX_HEADERS:
        raise HeadError(431, f"more than {MAX_HEADERS} request headers")
    headers = Headers()
    for name, value in raw:
        headers.add(_KNOWN_NAMES.get(name) or _learn_name(name), value.decode("latin-1").rstrip(" \t"))
    expects_continue = http_minor == 1 and headers.get("expect", "").lower() == "100-continue"
    return Fields(headers, _body_length(headers, http_minor), keep_alive, expects_continue, upgrade, http_minor)


def _learn_name(name: bytes) -> str:
    """The lower-case name, remembered for the next request."""
    lower = name.decode("latin-1").lower()
    if len(_KNOWN_NAMES) < _MAX_KNOWN_NAMES and len(name) < 64:
        _KNOWN_NAMES[name] = lower
    return lower


def _origin_form(target: str) -> str:
    """The path and query of the absolute form: it is for proxies, but a server has to take it; the host is ignored."""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise HeadError(400, "malformed request target")
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else "/"


def _body_length(headers: Headers, minor: int) -> int:
    """The length of the body; that it is one number, and given in one way, is what the parser has seen to."""
    if len(headers.get_all("host")) > 1 or (minor == 1 and "host" not in headers):
        raise HeadError(400, "exactly one Host header is required")
    coding = headers.get("transfer-encoding")
    if coding is None:
        return int(headers.get("content-length", "0"))
    if minor == 0 or len(headers.get_all("transfer-encoding")) > 1:
        raise HeadError(400, "ambiguous message length")
    if coding.lower() != "chunked":
        raise HeadError(501, "unsupported transfer coding")
    return -1
