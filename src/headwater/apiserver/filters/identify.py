"""Gives each request an audit id, and each answer the headers that stand on all of them, and the warnings."""

from __future__ import annotations

import secrets
from itertools import count

from headwater.apiserver.filters.warnings import warning_headers
from headwater.apiserver.web.types import AnyResponse, Handler, Request

_MAX_CLIENT_ID = 64
_NO_CACHE = ("Cache-Control", "no-cache, private")


class IdentifyFilter:
    """Takes the id of an `Audit-ID` header, as Kubernetes does, or makes one: unique, in the form of a UUID.

    It only has to be unique, so it is a random number of this process and a counter; random bytes for each request
    would cost more than the rest of the filters.
    """

    def __init__(self) -> None:
        number = secrets.token_hex(10)
        self._prefix = f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-"
        self._next = count(1)

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        given = request.headers.get("audit-id")
        if given is None:
            request.audit_id = f"{self._prefix}{next(self._next):012x}"
        else:
            request.audit_id = given[:_MAX_CLIENT_ID]
        response = await following(request)
        audit = ("Audit-Id", request.audit_id)
        if response.headers and any(name == "Cache-Control" for name, _ in response.headers):
            response.headers = (audit, *response.headers)
        else:
            response.headers = (audit, _NO_CACHE, *response.headers)
        if request.warnings:
            response.headers = (*response.headers, *warning_headers(request.warnings))
        return response
