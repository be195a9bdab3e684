"""What may pass a tunnel in a request and its answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import jsonio
from headwater.tunnel.messages import (
    MAX_QUERY_BYTES,
    MessageError,
    StreamAnswer,
    StreamRequest,
    allowed_answer_headers,
    allowed_query,
    allowed_request_headers,
    decode_answer,
    decode_request,
)

FIELDS: dict[str, Any] = {
    "cluster": "2x8k3", "namespace": "web", "pod": "store-0", "subresource": "exec", "method": "POST",
    "query": "command=ls", "headers": [["upgrade", "SPDY/3.1"]],
}  # fmt: skip


def test_a_request_comes_back() -> None:
    request = StreamRequest("2x8k3", "web", "store-0", "exec", "POST", "command=ls", (("upgrade", "SPDY/3.1"),))
    assert decode_request(request.encode()) == request
    assert decode_request(jsonio.dumps(FIELDS)) == request


@pytest.mark.parametrize(
    "changed",
    [
        {"namespace": "../kube-system"}, {"namespace": ""}, {"pod": "a/b"}, {"pod": ".."}, {"pod": "a?x"},
        {"cluster": ""}, {"cluster": 1}, {"subresource": "proxy"}, {"subresource": "exec/x"}, {"method": "DELETE"},
        {"subresource": "log"}, {"query": "a&" * 1025}, {"query": "x" * (MAX_QUERY_BYTES + 1)}, {"headers": [["a"]]},
        {"headers": {"a": "b"}},
    ],
    ids=str,
)  # fmt: skip
def test_requests_that_are_not_taken(changed: dict[str, Any]) -> None:
    """`log` with POST among them."""
    with pytest.raises(MessageError):
        decode_request(jsonio.dumps({**FIELDS, **changed}))


@given(st.binary(max_size=100))
def test_any_payload_is_refused_in_one_way(payload: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(MessageError):
            decode(payload)


FORGED = [
    ("Authorization", "Bearer stolen"), ("Cookie", "a=b"), ("Impersonate-User", "admin"),
    ("Impersonate-Group", "system:masters"), ("X-Remote-User", "admin"), ("X-Forwarded-For", "10.0.0.1"),
    ("Host", "elsewhere"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
    ("Accept", "a\r\nImpersonate-User: admin"), ("Upgrade", "websocket\nX: y"),
]  # fmt: skip


def test_nothing_of_the_caller_goes_down() -> None:
    """No credential, no identity, nothing that frames the message, and no header within another."""
    spoken = [("Upgrade", "websocket"), ("X-Stream-Protocol-Version", "v4.channel.k8s.io")]
    kept = allowed_request_headers([*FORGED, *spoken])
    assert kept == (("upgrade", "websocket"), ("x-stream-protocol-version", "v4.channel.k8s.io"))
    assert decode_request(jsonio.dumps({**FIELDS, "headers": [list(pair) for pair in FORGED]})).headers == ()


def test_a_token_among_the_subprotocols_stays_here() -> None:
    offered = (
        "base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io,BASE64URL.BEARER.authorization.k8s.io.x"
    )
    assert allowed_request_headers([("Sec-WebSocket-Protocol", offered)]) == (
        ("sec-websocket-protocol", "v5.channel.k8s.io"),
    )
    alone = [("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.c2VjcmV0")]
    assert allowed_request_headers(alone) == ()


def test_an_answer_can_set_nothing_on_the_client() -> None:
    sent = [("Set-Cookie", "a=b"), ("Location", "//evil"), ("Sec-WebSocket-Accept", "x"), ("Upgrade", "a\r\nX: y")]
    assert allowed_answer_headers(sent) == (("sec-websocket-accept", "x"),)


def test_parameters_of_the_subresource_only() -> None:
    """Repeated ones in their order; those that reach past the kubelet's checks are not among them."""
    query = "command=sh&command=-c&command=a%26b&insecureSkipTLSVerifyBackend=true&ports=80&stdin=true"
    assert parse_qsl(allowed_query("exec", query)) == [
        ("command", "sh"), ("command", "-c"), ("command", "a&b"), ("stdin", "true"),
    ]  # fmt: skip
    assert allowed_query("log", "follow=true&insecureSkipTLSVerifyBackend=true") == "follow=true"


@pytest.mark.parametrize("answer", [StreamAnswer(101, (("upgrade", "SPDY/3.1"),)), StreamAnswer(404, message="no")])
def test_an_answer_comes_back(answer: StreamAnswer) -> None:
    assert decode_answer(answer.encode()) == answer


@pytest.mark.parametrize("status", [0, 99, 600, True, "200", None])
def test_answers_without_a_status(status: object) -> None:
    with pytest.raises(MessageError):
        decode_answer(jsonio.dumps({"status": status, "headers": [], "message": ""}))
