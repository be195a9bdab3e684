"""Bounds how long a request may take, except where it is meant to go on."""

from __future__ import annotations

import asyncio
import re
from itertools import takewhile
from typing import Any, Final

from headwater.apiserver.requestinfo import RequestInfo
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.machinery.errors import BadRequest, Timeout

LONG_RUNNING_VERBS: Final = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_SWEEP_SECONDS: Final = 1.0
_DURATION: Final = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?")


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request lasts as long as its client wants, like a watch."""
    if not info.is_resource:
        return False
    return info.verb in LONG_RUNNING_VERBS or info.subresource in LONG_RUNNING_SUBRESOURCES


class DeadlineFilter:
    """Ends a request after the server's timeout, or after the shorter one that its `timeout` parameter asks for.

    What is ended may have happened already: a write is not undone. A timer for each request would cost more than all
    that is done here; as the server's timeout is the same for all of them, the oldest are looked at once a second.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[_Limit, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if is_long_running(request.info):
            return await following(request)
        seconds = self._seconds
        if request.query.raw and "timeout" in request.query:
            asked = _seconds(request.query.get("timeout"))
            if 0 < asked < seconds:
                seconds = asked
        loop = asyncio.get_running_loop()
        limit = _Limit(asyncio.current_task(loop), loop.time() + seconds)
        timer = loop.call_later(seconds, limit.end) if seconds != self._seconds else None
        if timer is None:
            self._running[limit] = None
            if self._sweeping is None:
                self._sweep(loop)
        try:
            return await following(request)
        except asyncio.CancelledError:
            if limit.is_cause():
                raise Timeout(
                    f"Timeout: request did not complete within the allotted timeout of {seconds:g}s", details={}
                ) from None
            raise
        finally:
            if timer is None:
                self._running.pop(limit, None)
            else:
                timer.cancel()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        due = list(takewhile(lambda limit: limit.due <= now, self._running))
        for limit in due:
            del self._running[limit]
            limit.end()
        interval = min(_SWEEP_SECONDS, self._seconds)
        self._sweeping = loop.call_later(interval, self._sweep, loop) if self._running else None


class _Limit:
    """Cancels a task, and knows later whether it was this that ended it; asyncio.timeout costs three times as much."""

    __slots__ = ("_cancelling", "_expired", "_task", "due")

    def __init__(self, task: asyncio.Task[Any] | None, due: float) -> None:
        assert task is not None
        self.due = due
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False

    def end(self) -> None:
        self._expired = True
        self._task.cancel()

    def is_cause(self) -> bool:
        return self._expired and self._task.uncancel() <= self._cancelling


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text if text != "0" else "0s")
    if match is None or not any(match.groups()):
        raise BadRequest(f'invalid timeout specified in the request URL: "{text[:40]}"')
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
