"""Reads verb and resource from the request line, once for all filters and handlers below."""

from __future__ import annotations

from headwater.apiserver.requestinfo import parse
from headwater.apiserver.web.types import AnyResponse, Handler, Request


async def describe_filter(request: Request, following: Handler) -> AnyResponse:
    """Sets `request.info`. Raises BadRequest for paths that name no resource and no URL."""
    request.info = parse(request.method, request.path, request.query)
    return await following(request)
