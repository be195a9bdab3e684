"""Answers become objects or typed errors."""

from __future__ import annotations

import pytest

from headwater.base import jsonio
from headwater.client.answers import UnexpectedAnswer, decode_object, error_of, retry_after_seconds
from headwater.client.interface import RawResponse
from headwater.machinery.errors import Conflict, NotFound, ServiceUnavailable, StatusError, TooManyRequests


def test_object() -> None:
    assert decode_object(RawResponse(200, {}, b'{"kind":"Pod"}')) == {"kind": "Pod"}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"3"])
def test_success_that_is_no_object(body: bytes) -> None:
    """A proxy's page with status 200 is not taken for an object."""
    with pytest.raises(UnexpectedAnswer):
        decode_object(RawResponse(200, {}, body))


def test_refusal_becomes_its_typed_error() -> None:
    status = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "gone"}
    with pytest.raises(NotFound, match="gone"):
        decode_object(RawResponse(404, {}, jsonio.dumps(status)))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(404, NotFound), (409, Conflict), (429, TooManyRequests), (503, ServiceUnavailable), (418, StatusError)],
)
def test_error_without_a_status_object(code: int, kind: type[StatusError]) -> None:
    """The HTTP status decides when a proxy answered instead of the API server."""
    error = error_of(RawResponse(code, {"retry-after": "7"}, b"<html>no</html>"))
    assert isinstance(error, kind)
    assert (error.code, error.message, error.retry_after_seconds) == (code, "<html>no</html>", 7)


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0", 0.0), ("", None), ("Wed, 21 Oct 2026", None), ("-1", None), ("1e9", None)]
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(RawResponse(503, {"retry-after": header})) == seconds
