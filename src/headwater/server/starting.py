"""What is answered between listening and being ready."""

from __future__ import annotations

from headwater.apiserver.statuswriter import status_response
from headwater.apiserver.web.types import AnyResponse, Request, Response
from headwater.machinery.errors import ServiceUnavailable

_RETRY_SECONDS = 1


class StartingHandler:
    """Alive, but not ready: clients are asked to come again in a second."""

    async def __call__(self, request: Request) -> AnyResponse:
        if request.path == "/livez":
            return Response(200, b"ok", "text/plain; charset=utf-8")
        return status_response(ServiceUnavailable("the server is starting", retry_after_seconds=_RETRY_SECONDS))
