"""Turns what is raised below into the Status that a client reads; the only filter that sees unexpected exceptions."""

from __future__ import annotations

from headwater.apiserver.statuswriter import internal_error, known_error, status_response
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery.errors import StatusError
from headwater.telemetry.logging import get_logger

_log = get_logger("apiserver")


async def recover_filter(request: Request, following: Handler) -> AnyResponse:
    """Answers an expected error with its Status. Of any other the client gets an incident id, and the log the cause."""
    try:
        return await following(request)
    except StatusError as error:
        return status_response(error)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, the client gets a Status
        expected = known_error(error)
        if expected is not None:
            _log.warning("request failed", audit_id=request.audit_id, path=request.path, cause=str(error))
            return status_response(expected)
        _log.error("request failed", audit_id=request.audit_id, path=request.path, exc_info=error)
        return status_response(internal_error(request.audit_id))
