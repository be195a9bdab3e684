"""Turns answers into objects, and refusals into the typed errors of `machinery.errors`."""

from __future__ import annotations

from typing import Final

from headwater.base import jsonio
from headwater.client.interface import RawResponse
from headwater.machinery.errors import StatusError, from_code, from_status
from headwater.machinery.objects import Object

_MAX_ERROR_TEXT: Final = 2048


class UnexpectedAnswer(Exception):
    """A successful answer that is not the JSON object it should be."""


def decode_object(response: RawResponse) -> Object:
    """The object of an answer. Raises StatusError for a refusal, UnexpectedAnswer for success that isn't JSON."""
    if response.status >= 300:
        raise error_of(response)
    try:
        value = jsonio.loads(response.body)
    except ValueError as error:
        raise UnexpectedAnswer(f"answer with status {response.status} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnexpectedAnswer(f"answer with status {response.status} is not a JSON object")
    return value


def error_of(response: RawResponse) -> StatusError:
    """The error that an answer stands for; made up from the HTTP status when the body is no Kubernetes Status."""
    try:
        value = jsonio.loads(response.body)
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("kind") == "Status" and value.get("status", "Failure") == "Failure":
        value.setdefault("code", response.status)
        return from_status(value)
    text = response.body[:_MAX_ERROR_TEXT].decode(errors="replace").strip()
    seconds = retry_after_seconds(response)
    return from_code(
        response.status,
        text or f"the server answered with status {response.status}",
        retry_after_seconds=int(seconds) if seconds else None,
    )


def retry_after_seconds(response: RawResponse) -> float | None:
    """The Retry-After header in seconds; None when there is none or it isn't a number (dates are not used here)."""
    text = response.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def put_off_seconds(response: RawResponse) -> float | None:
    """How long to wait before sending again what the server refused to work on; None for a real answer."""
    if response.status not in (429, 503):
        return None
    return retry_after_seconds(response)
