"""The one place where an error becomes the `Status` object that Kubernetes clients read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.apiserver.web.types import Response
from headwater.base import jsonio
from headwater.machinery.errors import Expired, InternalError, ServiceUnavailable, StatusError, TooManyRequests
from headwater.storage.errors import Compacted, StorageBusy, StorageUnavailable

if TYPE_CHECKING:
    from headwater.machinery.objects import Object


def status_response(error: StatusError) -> Response:
    """The response for an error: its Status as JSON, and a Retry-After header where the error names a delay."""
    status = error.to_status()
    details = status.get("details") or {}
    retry_after = details.get("retryAfterSeconds")
    headers = (("Retry-After", str(int(retry_after))),) if retry_after else ()
    return Response(status=int(status["code"]), body=jsonio.dumps(status), headers=headers)


def internal_error(incident: str) -> InternalError:
    """What a client learns of an error that nobody expected: an id to look for in the log, and no cause."""
    return InternalError(f"Internal error occurred: see incident {incident} in the server's log")


def success_status(details: Object | None = None, *, code: int = 200, message: str = "") -> Object:
    """The Status object that stands for a success which has no object to show, such as a delete."""
    status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if message:
        status["message"] = message
    if details is not None:
        status["details"] = details
    if code != 200:
        status["code"] = code
    return status


def known_error(error: Exception) -> StatusError | None:
    """The Status error for an exception of a lower layer that says something about the request; None for any other."""
    if isinstance(error, StorageBusy):
        return TooManyRequests("Too many requests: the store is busy, please try again", retry_after_seconds=1)
    if isinstance(error, Compacted):
        return Expired("The resourceVersion for the provided request is too old.")
    if isinstance(error, StorageUnavailable):
        return ServiceUnavailable("the store is unavailable, please try again", retry_after_seconds=1)
    return None
