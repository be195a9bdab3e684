"""Bounds how many requests are worked on at once, and how many watches are open."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.filters.deadline import is_long_running
from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse
from headwater.machinery.errors import TooManyRequests
from headwater.telemetry.metrics import Registry

_READ_VERBS: Final = frozenset({"get", "list", "head", "options"})


@dataclass(frozen=True, slots=True)
class InflightLimits:
    """How many requests may be in progress, and how many of one user, who else could take all places from the others:
    by watches, or by requests whose bodies come slowly. All who don't log in are one user.
    """

    read_only: int = 400
    read_only_per_user: int = 200
    mutating: int = 800
    mutating_per_user: int = 400
    long_running: int = 20_000
    long_running_per_user: int = 5_000


class InflightFilter:
    """Answers 429 with Retry-After when the server is full. Members of system:masters are counted but not refused.

    An answer that goes on counts as a watch from then on, whatever the request looked like.
    """

    def __init__(self, limits: InflightLimits, *, metrics: Registry) -> None:
        busy = "the server has too many requests in progress, please try again later"
        self._read_only = _Places(limits.read_only, limits.read_only_per_user, busy)
        self._mutating = _Places(limits.mutating, limits.mutating_per_user, busy)
        self._long_running = _Places(
            limits.long_running, limits.long_running_per_user, "too many watches are open, please try again later"
        )
        current = metrics.gauge(
            "apiserver_current_inflight_requests", "Requests in progress, by kind.", ("request_kind",)
        )
        current.labels("readOnly").set_function(lambda: self._read_only.taken)
        current.labels("mutating").set_function(lambda: self._mutating.taken)
        metrics.gauge(
            "apiserver_longrunning_requests", "Open watches and other requests that go on until the client ends them."
        ).set_function(lambda: self._long_running.taken)

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        user = request.user
        if is_long_running(request.info):
            self._long_running.take(user)
            return await self._handed_over(user, following(request))
        places = self._read_only if request.info.verb in _READ_VERBS else self._mutating
        places.take(user)
        try:
            response = await following(request)
        finally:
            places.leave(user)
        if isinstance(response, StreamResponse):
            try:
                self._long_running.take(user)
            except TooManyRequests:
                await response.finish()
                raise
            response.on_finish.append(lambda: self._long_running.leave(user))
        return response

    async def _handed_over(self, user: UserInfo, answering: Awaitable[AnyResponse]) -> AnyResponse:
        """The answer to a long request, which keeps its place until its end."""
        handed_over = False
        try:
            response = await answering
            if isinstance(response, StreamResponse):
                response.on_finish.append(lambda: self._long_running.leave(user))
                handed_over = True
            return response
        finally:
            if not handed_over:
                self._long_running.leave(user)


class _Places:
    """How many places are taken, and by whom; users of one name in several workspaces are told apart by their uid."""

    def __init__(self, limit: int, per_user: int, refusal: str) -> None:
        self.taken = 0
        self._limit = limit
        self._per_user = per_user
        self._refusal = refusal
        self._by_user: dict[tuple[str, str], int] = {}

    def take(self, user: UserInfo) -> None:
        """Raises TooManyRequests when there is none."""
        who = (user.name, user.uid)
        mine = self._by_user.get(who, 0)
        if PRIVILEGED_GROUP not in user.groups and (self.taken >= self._limit or mine >= self._per_user):
            raise TooManyRequests(f"Too many requests: {self._refusal}", retry_after_seconds=1)
        self.taken += 1
        self._by_user[who] = mine + 1

    def leave(self, user: UserInfo) -> None:
        self.taken -= 1
        who = (user.name, user.uid)
        left = self._by_user[who] - 1
        if left:
            self._by_user[who] = left
        else:
            del self._by_user[who]
