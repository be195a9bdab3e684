"""What the two ends of a tunnel say about a stream: a request for a pod's subresource, and its answer (pure).

Both sides keep to what is listed here. So whatever a client sends, the pcluster sees a method, a query and headers
that such a request may have, and nothing that the client is or may do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from headwater.base import jsonio
from headwater.machinery.names import is_dns1123_label, is_dns1123_subdomain

LOG: Final = "log"
STREAMING: Final = frozenset({"exec", "attach", "portforward"})
SUBRESOURCES: Final = frozenset({LOG, *STREAMING})
MAX_QUERY_BYTES: Final = 32 * 1024
MAX_PARAMETERS: Final = 1024
MAX_MESSAGE_CHARACTERS: Final = 4096
UPGRADES: Final = frozenset({"spdy/3.1", "websocket"})

_BEARER: Final = "base64url.bearer.authorization.k8s.io"
_PARAMETERS: Final[Mapping[str, frozenset[str]]] = {
    LOG: frozenset(
        {
            "container", "follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes",
            "stream",
        }
    ),
    "exec": frozenset({"container", "command", "stdin", "stdout", "stderr", "tty"}),
    "attach": frozenset({"container", "stdin", "stdout", "stderr", "tty"}),
    "portforward": frozenset({"ports"}),
}  # fmt: skip
_REQUEST_HEADERS: Final = frozenset(
    {
        "accept", "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version", "upgrade",
        "x-stream-protocol-version",
    }
)  # fmt: skip
_ANSWER_HEADERS: Final = frozenset(
    {
        "sec-websocket-accept", "sec-websocket-protocol", "upgrade", "x-accepted-stream-protocol-versions",
        "x-stream-protocol-version",
    }
)  # fmt: skip

Headers = tuple[tuple[str, str], ...]


class MessageError(ValueError):
    """The other end of the tunnel sent what this end does not take."""


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A request for a subresource of a pod of a workspace. `cluster` is the logical cluster's name."""

    cluster: str
    namespace: str
    pod: str
    subresource: str
    method: str
    query: str
    headers: Headers

    @property
    def upgrades(self) -> bool:
        """Whether the connection is to leave HTTP."""
        return self.subresource in STREAMING

    def encode(self) -> bytes:
        """The payload of an OPEN frame."""
        return jsonio.dumps(
            {
                "cluster": self.cluster, "namespace": self.namespace, "pod": self.pod, "subresource": self.subresource,
                "method": self.method, "query": self.query, "headers": [list(pair) for pair in self.headers],
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """How a request was answered: 200 before a log, 101 before an upgraded connection, else an error's `message`."""

    status: int
    headers: Headers = ()
    message: str = ""

    def encode(self) -> bytes:
        """The payload of an ANSWER frame."""
        return jsonio.dumps(
            {
                "status": self.status, "headers": [list(pair) for pair in self.headers],
                "message": self.message[:MAX_MESSAGE_CHARACTERS],
            }
        )  # fmt: skip


def decode_request(payload: bytes) -> StreamRequest:
    """The request in an OPEN frame, with nothing in it that may not go down. Raises MessageError."""
    document = _document(payload)
    cluster, namespace, pod, subresource, method, query = (
        _text(document, key) for key in ("cluster", "namespace", "pod", "subresource", "method", "query")
    )
    if not (cluster and is_dns1123_label(namespace) and is_dns1123_subdomain(pod)):
        raise MessageError("the request does not name a pod")
    if subresource not in SUBRESOURCES or method not in methods_of(subresource):
        raise MessageError("the request is for nothing that is served")
    headers = allowed_request_headers(_pairs(document.get("headers")))
    return StreamRequest(cluster, namespace, pod, subresource, method, allowed_query(subresource, query), headers)


def decode_answer(payload: bytes) -> StreamAnswer:
    """The answer in an ANSWER frame, with nothing in it that may not go to a client. Raises MessageError."""
    document = _document(payload)
    status, message = document.get("status"), document.get("message", "")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status < 600:
        raise MessageError("the answer has no status")
    if not isinstance(message, str):
        raise MessageError("the answer's message is not text")
    return StreamAnswer(status, allowed_answer_headers(_pairs(document.get("headers"))), message)


def methods_of(subresource: str) -> tuple[str, ...]:
    """The methods under which a subresource is asked for: old clients POST, WebSocket clients GET."""
    return ("GET",) if subresource == LOG else ("GET", "POST")


def allowed_query(subresource: str, query: str) -> str:
    """The query with the parameters that the subresource has. Raises MessageError for one that is too long."""
    if len(query) > MAX_QUERY_BYTES:
        raise MessageError(f"the query is longer than {MAX_QUERY_BYTES} bytes")
    known = _PARAMETERS[subresource]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise MessageError(f"the query has more than {MAX_PARAMETERS} parameters") from error
    return urlencode([(name, value) for name, value in pairs if name in known])


def allowed_request_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that go down: how the stream is spoken, without tokens, cookies, identities and addresses."""
    kept = []
    for name, value in _clean(headers, _REQUEST_HEADERS):
        if name == "sec-websocket-protocol":
            offered = (part.strip() for part in value.split(","))
            # Browsers can't set headers, so Kubernetes takes a bearer token as a subprotocol.
            value = ", ".join(each for each in offered if each and not each.lower().startswith(_BEARER))
            if not value:
                continue
        kept.append((name, value))
    return tuple(kept)


def allowed_answer_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers of an answer that reach the client."""
    return tuple(_clean(headers, _ANSWER_HEADERS))


def _clean(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> list[tuple[str, str]]:
    return [
        (name.lower(), value) for name, value in headers if name.lower() in allowed and "\r" not in value + name
        and "\n" not in value
    ]  # fmt: skip


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document = jsonio.loads(payload)
    except ValueError as error:
        raise MessageError("not JSON") from error
    if not isinstance(document, dict):
        raise MessageError("not an object")
    return document


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise MessageError(f"the field {key} is missing")
    return value


def _pairs(value: Any) -> Headers:
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in value
    ):
        raise MessageError("the headers are not a list of pairs")
    return tuple((pair[0], pair[1]) for pair in value)
