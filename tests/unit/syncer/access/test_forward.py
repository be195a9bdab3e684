"""What a caller learns of a pcluster's refusal."""

from __future__ import annotations

import pytest

from headwater.base import jsonio
from headwater.syncer.access.forward import _refusal
from headwater.tunnel.messages import MAX_MESSAGE_CHARACTERS, StreamRequest, decode_answer

REQUEST = StreamRequest("2x8k3", "web", "store-0", "exec", "POST", "", ())


def status(message: str) -> bytes:
    return jsonio.dumps({"kind": "Status", "message": message})


@pytest.mark.parametrize(
    ("code", "body", "answered", "message"),
    [
        pytest.param(400, status("container x is not valid for pod store-0"), 400,
                     "container x is not valid for pod store-0", id="a kubelet's words"),
        pytest.param(404, status('pods "store-0" not found in kcp-abc'), 404, 'pods "store-0" not found in web',
                     id="the namespace by its upstream name"),
        pytest.param(500, b"error dialing backend: timeout", 500, "error dialing backend: timeout", id="plain text"),
        pytest.param(500, b'["odd"]', 500, '["odd"]', id="another document"),
        pytest.param(403, status('User "system:serviceaccount:ns:kcp-syncer" cannot create'), 503,
                     "the pcluster does not let its syncer use pods/exec: register it with --tunnel", id="no right"),
        pytest.param(401, b"", 503, "the pcluster does not let its syncer use pods/exec: register it with --tunnel",
                     id="no credential"),
        pytest.param(200, b"<html>", 502, "the pcluster does not offer this protocol", id="no upgrade"),
        pytest.param(302, b"", 502, "the pcluster does not offer this protocol", id="a redirect is not followed"),
    ],
)  # fmt: skip
def test_refusals(code: int, body: bytes, answered: int, message: str) -> None:
    answer = _refusal(code, body, REQUEST, "kcp-abc")
    assert (answer.status, answer.message) == (answered, message)


def test_a_long_refusal_fits_into_a_frame() -> None:
    answer = decode_answer(_refusal(500, b"x" * 60_000, REQUEST, "kcp-abc").encode())
    assert len(answer.message) == MAX_MESSAGE_CHARACTERS
