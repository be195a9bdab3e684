"""Bounds how many requests are worked on at once, and how many watches are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP
from headwater.apiserver.filters.deadline import is_long_running
from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse
from headwater.machinery.errors import TooManyRequests
from headwater.telemetry.metrics import Registry

_READ_VERBS: Final = frozenset({"get", "list", "head", "options"})


@dataclass(frozen=True, slots=True)
class InflightLimits:
    """How many requests may be in progress. `long_running_per_user` keeps one client from taking all watches."""

    read_only: int = 400
    mutating: int = 800
    long_running: int = 20_000
    long_running_per_user: int = 5_000


class InflightFilter:
    """Answers 429 with Retry-After when the server is full. Members of system:masters are counted but not refused."""

    def __init__(self, limits: InflightLimits, *, metrics: Registry) -> None:
        self._limits = limits
        self._read_only = 0
        self._mutating = 0
        self._long_running = 0
        self._by_user: dict[str, int] = {}
        current = metrics.gauge(
            "apiserver_current_inflight_requests", "Requests in progress, by kind.", ("request_kind",)
        )
        current.labels("readOnly").set_function(lambda: self._read_only)
        current.labels("mutating").set_function(lambda: self._mutating)
        metrics.gauge(
            "apiserver_longrunning_requests", "Open watches and other requests that go on until the client ends them."
        ).set_function(lambda: self._long_running)

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        info = request.info
        if is_long_running(info):
            return await self._go_on(request, following)
        if info.verb in _READ_VERBS:
            if self._read_only >= self._limits.read_only and PRIVILEGED_GROUP not in request.user.groups:
                raise _full("the server has too many requests in progress, please try again later")
            self._read_only += 1
            try:
                return await following(request)
            finally:
                self._read_only -= 1
        if self._mutating >= self._limits.mutating and PRIVILEGED_GROUP not in request.user.groups:
            raise _full("the server has too many requests in progress, please try again later")
        self._mutating += 1
        try:
            return await following(request)
        finally:
            self._mutating -= 1

    async def _go_on(self, request: Request, following: Handler) -> AnyResponse:
        name = request.user.name
        mine = self._by_user.get(name, 0)
        if PRIVILEGED_GROUP not in request.user.groups and (
            self._long_running >= self._limits.long_running or mine >= self._limits.long_running_per_user
        ):
            raise _full("too many watches are open, please try again later")
        self._long_running += 1
        self._by_user[name] = mine + 1

        def ended() -> None:
            self._long_running -= 1
            left = self._by_user[name] - 1
            if left:
                self._by_user[name] = left
            else:
                del self._by_user[name]

        handed_over = False
        try:
            response = await following(request)
            if isinstance(response, StreamResponse):
                response.on_finish.append(ended)
                handed_over = True
            return response
        finally:
            if not handed_over:
                ended()


def _full(message: str) -> TooManyRequests:
    return TooManyRequests(f"Too many requests: {message}", retry_after_seconds=1)
