"""Bounds how long a request may take, except where it is meant to go on."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from headwater.apiserver.requestinfo import RequestInfo
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery.errors import BadRequest, Timeout

LONG_RUNNING_VERBS: Final = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_DURATION: Final = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?")


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request lasts as long as its client wants, like a watch."""
    if not info.is_resource:
        return False
    return info.verb in LONG_RUNNING_VERBS or info.subresource in LONG_RUNNING_SUBRESOURCES


class DeadlineFilter:
    """Ends a request after the server's timeout, or after the shorter one that its `timeout` parameter asks for.

    What is ended may have happened already: a write is not undone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if is_long_running(request.info):
            return await following(request)
        seconds = self._seconds
        if request.query.raw and "timeout" in request.query:
            asked = _seconds(request.query.get("timeout"))
            if 0 < asked < seconds:
                seconds = asked
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await following(request)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Timeout(
                f"Timeout: request did not complete within the allotted timeout of {seconds:g}s", details={}
            ) from None


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None or (not any(match.groups()) and text != "0"):
        raise BadRequest(f'invalid timeout specified in the request URL: "{text[:40]}"')
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
