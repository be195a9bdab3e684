"""API errors: one class per Kubernetes reason, with the ``Status`` object that goes over the wire.

Server code raises them, the edge writes them, the client rebuilds them with `from_status`, so callers on either side
write ``except NotFound``. The functions word their messages as Kubernetes does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from headwater.machinery.fieldpath import FieldError, aggregate, quote
from headwater.machinery.gvk import GroupResource

Object = dict[str, Any]


class StatusError(Exception):
    """An error that a client sees as a ``Status``. The plain class stands for reasons that we don't know.

    ``details`` is the object of ``Status.details``; the seconds tell a client when to try again.
    """

    reason: ClassVar[str] = ""
    code: int = 500

    def __init__(self, message: str, *, details: Object | None = None, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after_seconds = retry_after_seconds

    def to_status(self) -> Object:
        """The ``Status`` object for the wire."""
        status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        details = dict(self.details or {})
        if self.retry_after_seconds:
            details["retryAfterSeconds"] = self.retry_after_seconds
        if details:
            status["details"] = details
        status["code"] = self.code
        return status

    @property
    def causes(self) -> Sequence[Object]:
        """The entries of ``details.causes``: objects with reason, message and field."""
        return (self.details or {}).get("causes") or ()

    def has_cause(self, reason: str) -> bool:
        """Whether one of the causes has this reason."""
        return any(cause.get("reason") == reason for cause in self.causes)


class BadRequest(StatusError):
    """The request makes no sense, whoever sends it."""

    reason = "BadRequest"
    code = 400


class Unauthorized(StatusError):
    """The caller has to say who they are, and did not, or not believably."""

    reason = "Unauthorized"
    code = 401


class Forbidden(StatusError):
    """The caller is known and may not do this."""

    reason = "Forbidden"
    code = 403


class NotFound(StatusError):
    """There is no such object, or no such resource."""

    reason = "NotFound"
    code = 404


class MethodNotAllowed(StatusError):
    """The resource does not support the verb."""

    reason = "MethodNotAllowed"
    code = 405


class NotAcceptable(StatusError):
    """None of the accepted media types can be served."""

    reason = "NotAcceptable"
    code = 406


class AlreadyExists(StatusError):
    """An object of this name exists."""

    reason = "AlreadyExists"
    code = 409


class Conflict(StatusError):
    """The object changed since it was read, or fields belong to another manager."""

    reason = "Conflict"
    code = 409


class Gone(StatusError):
    """What was asked for existed once and will not come back."""

    reason = "Gone"
    code = 410


class Expired(StatusError):
    """The resourceVersion or continue token is too old: list again."""

    reason = "Expired"
    code = 410


class RequestEntityTooLarge(StatusError):
    """The body is larger than the server takes."""

    reason = "RequestEntityTooLarge"
    code = 413


class UnsupportedMediaType(StatusError):
    """The server can't read a body of this type."""

    reason = "UnsupportedMediaType"
    code = 415


class Invalid(StatusError):
    """The object was understood and breaks rules; the causes name each field."""

    reason = "Invalid"
    code = 422


class TooManyRequests(StatusError):
    """The server is at its limit; come back after the given seconds."""

    reason = "TooManyRequests"
    code = 429


class InternalError(StatusError):
    """A bug or a broken part on the server's side."""

    reason = "InternalError"
    code = 500


class ServerTimeout(StatusError):
    """The server could not finish in time, and the request may be tried again."""

    reason = "ServerTimeout"
    code = 500


class ServiceUnavailable(StatusError):
    """The server or a part that it needs is not there now."""

    reason = "ServiceUnavailable"
    code = 503


class Timeout(StatusError):
    """Time ran out; the operation may still complete."""

    reason = "Timeout"
    code = 504


_CLASSES: tuple[type[StatusError], ...] = tuple(StatusError.__subclasses__())
_BY_REASON = {kind.reason: kind for kind in _CLASSES}
_BY_CODE = {kind.code: kind for kind in reversed(_CLASSES)} | {409: Conflict, 410: Expired, 500: InternalError}

RESOURCE_VERSION_TOO_LARGE = "ResourceVersionTooLarge"
"""Cause of a Timeout: the store has not reached the resourceVersion asked for."""
FIELD_MANAGER_CONFLICT = "FieldManagerConflict"
"""Cause of a Conflict in server-side apply: another manager owns the field."""


def from_status(obj: Object) -> StatusError:
    """Rebuild the error from a ``Status``; an unknown reason falls back to the code, then to plain `StatusError`."""
    code = int(obj.get("code") or 0)
    kind = _BY_REASON.get(obj.get("reason") or "") or _BY_CODE.get(code, StatusError)
    details = obj.get("details") or None
    retry = (details or {}).get("retryAfterSeconds") or None
    error = kind(obj.get("message") or "unknown", details=details, retry_after_seconds=retry)
    if code:
        error.code = code
    return error


def from_code(code: int, message: str, *, retry_after_seconds: int | None = None) -> StatusError:
    """The error for an answer that carries no ``Status``, such as a proxy's."""
    error = _BY_CODE.get(code, StatusError)(message, retry_after_seconds=retry_after_seconds)
    error.code = code
    return error


def not_found(gr: GroupResource, name: str) -> NotFound:
    return NotFound(f"{gr} {quote(name)} not found", details=_details(gr, name))


def already_exists(gr: GroupResource, name: str) -> AlreadyExists:
    return AlreadyExists(f"{gr} {quote(name)} already exists", details=_details(gr, name))


def conflict(gr: GroupResource, name: str, why: str) -> Conflict:
    message = f"Operation cannot be fulfilled on {gr} {quote(name)}: {why}"
    return Conflict(message, details=_details(gr, name))


def forbidden(gr: GroupResource, name: str, why: str) -> Forbidden:
    if not gr.resource:
        message = f"forbidden: {why}"
    elif not name:
        message = f"{gr} is forbidden: {why}"
    else:
        message = f"{gr} {quote(name)} is forbidden: {why}"
    return Forbidden(message, details=_details(gr, name))


def invalid(kind: str, name: str, errors: Sequence[FieldError], group: str = "") -> Invalid:
    """All field errors of one object in one answer, each as a cause."""
    qualified = f"{kind}.{group}" if group else kind
    message = f"{qualified} {quote(name)} is invalid"
    if errors:
        message = f"{message}: {aggregate(errors)}"
    details = _named(name, group, kind)
    if errors:
        details["causes"] = [{"reason": e.type, "message": e.body, "field": e.field} for e in errors]
    return Invalid(message, details=details)


def method_not_supported(gr: GroupResource, verb: str) -> MethodNotAllowed:
    message = f"{verb} is not supported on resources of kind {quote(str(gr))}"
    return MethodNotAllowed(message, details=_details(gr, ""))


def internal_error(why: object) -> InternalError:
    """Only for reasons that may be shown to the user."""
    return InternalError(f"Internal error occurred: {why}", details={"causes": [{"message": str(why)}]})


def timeout(why: str, retry_after_seconds: int = 0) -> Timeout:
    return Timeout(f"Timeout: {why}", details={}, retry_after_seconds=retry_after_seconds)


def too_large_resource_version(wanted: int, current: int, retry_after_seconds: int = 1) -> Timeout:
    """A reader asked for a resourceVersion that the store has not reached."""
    error = timeout(f"Too large resource version: {wanted}, current: {current}", retry_after_seconds)
    error.details = {"causes": [{"reason": RESOURCE_VERSION_TOO_LARGE, "message": "Too large resource version"}]}
    return error


def server_timeout(gr: GroupResource, operation: str, retry_after_seconds: int) -> ServerTimeout:
    message = f"The {operation} operation against {gr} could not be completed at this time, please try again."
    return ServerTimeout(message, details=_details(gr, ""), retry_after_seconds=retry_after_seconds)


def too_many_requests(why: str, retry_after_seconds: int = 1) -> TooManyRequests:
    return TooManyRequests(f"Too many requests: {why}", retry_after_seconds=retry_after_seconds)


def request_entity_too_large(why: str) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: {why}")


def _details(gr: GroupResource, name: str) -> Object:
    return _named(name, gr.group, gr.resource)


def _named(name: str, group: str, kind: str) -> Object:
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}
