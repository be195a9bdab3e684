"""Reads verb and resource from the request line, once for all filters and handlers below."""

from __future__ import annotations

from collections.abc import Awaitable

from headwater.apiserver.requestinfo import parse
from headwater.apiserver.web.types import AnyResponse, Handler, Request


def describe_filter(request: Request, following: Handler) -> Awaitable[AnyResponse]:
    """Sets `request.info`. Raises BadRequest for paths that name no resource and no URL."""
    # Like every filter that waits for nothing itself, no coroutine: that would cost a frame for each request.
    request.info = parse(request.method, request.path, request.query)
    return following(request)
