"""Tells the control plane that the syncer is alive."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import Object, uid
from headwater.machinery.timestamps import format_time
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity
from headwater.telemetry.logging import get_logger

_FIRST_RETRY_SECONDS: Final = 1.0
_MAX_RETRY_SECONDS: Final = 10.0
_SPREAD: Final = 0.1
_LOOK_SECONDS: Final = 2.0
"""How often between heartbeats there may be something to report that doesn't wait for the next one."""

_SETTLING_SECONDS: Final = 60.0
"""So long the first heartbeat waits at most: enough for the lists of a large pcluster, and for another try of them."""
_SETTLED_SECONDS: Final = 0.05
"""How often it is looked meanwhile; few wait longer than that."""

_ANSWER_SECONDS: Final = 5.0
_REMEMBERED: Final = 256

log = get_logger("syncer.heartbeat")


class Heartbeat:
    """Writes `status.lastSyncerHeartbeatTime` every so many seconds; a failure is retried, later and later.

    Many syncers start together, or lose and find a control plane together, so their times are spread: an interval is up
    to a tenth shorter, and a retry up to twice as late.

    `status.lastSyncTime` goes with it, so that a busy syncer does not write to its SyncTarget all the time. So does
    what ``changes`` gives, a patch of the status; when there is some it brings the heartbeat forward, at most every
    two seconds. While ``allowed`` is not set there is none. ``went_back`` is told, by our monotonic clock, of the last
    one that a control plane had taken which has gone back in time since.

    With the first one workloads begin to come, so it waits until ``settled`` says that ``changes`` holds whatever is to
    be known of the pcluster's room; at most a minute, as one that can't tell is alive all the same.
    """

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        workspace: Client,
        downstream: Client,
        activity: Activity,
        changes: Callable[[], Object],
        interval_seconds: float,
        clock: Clock,
        went_back: Callable[[float], None] = lambda _: None,
        allowed: asyncio.Event | None = None,
        settled: Callable[[], bool] = lambda: True,
        source: random.Random | None = None,
    ) -> None:
        self._identity = identity
        self._resource = workspace.resource(SYNC_TARGETS)
        self._downstream = downstream
        self._activity = activity
        self._changes = changes
        self._interval_seconds = interval_seconds
        self._went_back = went_back
        self._allowed = allowed
        self._settled = settled
        self._clock = clock
        self._source = source or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._acknowledged = ""
        self._acknowledged_at = 0.0
        self._unanswered: deque[str] = deque(maxlen=_REMEMBERED)
        """Heartbeats since then, which may have been taken though no answer said so."""
        self.last_error = "no heartbeat yet"
        """Why the last heartbeat failed; "" if it didn't."""

    async def run(self) -> None:
        """Beat until cancelled."""
        longest = min(self._interval_seconds, _MAX_RETRY_SECONDS)
        first = min(_FIRST_RETRY_SECONDS, self._interval_seconds / 4)
        backoff = Backoff(initial=first, factor=1.5, maximum=longest, jitter=1.0, source=self._source)
        await self._settle()
        while True:
            if self._allowed is not None:
                await self._allowed.wait()
            if await self.beat():
                backoff.reset()
                await self._pause()
            else:
                await self._clock.sleep(backoff.next())

    async def _settle(self) -> None:
        """Wait for what the first heartbeat is to bring along."""
        if self._allowed is not None:
            await self._allowed.wait()
        until = self._clock.monotonic() + _SETTLING_SECONDS
        while not self._settled():
            if self._clock.monotonic() >= until:
                log.warning("reporting without the pcluster's capacity, which is not known yet")
                return
            await self._clock.sleep(_SETTLED_SECONDS)

    async def _pause(self) -> None:
        """Wait for the next heartbeat's time, or until there are changes."""
        left = self._interval_seconds * (1 - _SPREAD * self._source.random())
        while left > 0:
            await self._clock.sleep(min(left, _LOOK_SECONDS))
            left -= _LOOK_SECONDS
            if self._changes():
                return

    async def beat(self) -> bool:
        """One heartbeat; says whether it was taken. A SyncTarget with another uid refuses it.

        It speaks for the pcluster as much as for the syncer: while the pcluster does not answer there is none.
        """
        problem = await self._problem_below()
        if problem:
            self._failed(f"the pcluster does not answer: {problem}")
            return False
        status: Object = {**self._changes(), "lastSyncerHeartbeatTime": format_time(self._clock.now())}
        if self._activity.last is not None:
            status["lastSyncTime"] = format_time(self._activity.last)
        patch: Object = {"metadata": {"uid": self._identity.uid}, "status": status}
        try:
            if self._acknowledged:
                self._compare(await self._resource.get(self._identity.name))
            self._unanswered.append(status["lastSyncerHeartbeatTime"])
            await self._resource.patch_status(self._identity.name, patch)
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            self._failed(str(error))
            return False
        self.last_error = ""
        self._acknowledged = status["lastSyncerHeartbeatTime"]
        self._acknowledged_at = self._clock.monotonic()
        self._unanswered.clear()
        return True

    def _failed(self, error: str) -> None:
        if error != self.last_error:
            log.warning("heartbeat failed", error=error)
        self.last_error = error

    async def _problem_below(self) -> str:
        """Why the pcluster can't be asked for its version, which everybody may; "" when it answers."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._downstream.get_json("/version")
        except TimeoutError:
            return f"nothing for {_ANSWER_SECONDS:g} s"
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            return str(error) or type(error).__name__
        return ""

    def _compare(self, target: Object) -> None:
        """Nobody but us writes heartbeats: another one than our last was written before it, or by someone else.

        Our clock may have been set back between two of ours. A SyncTarget that took the place of ours tells nothing.
        """
        if uid(target) != self._identity.uid:
            return
        found = str((target.get("status") or {}).get("lastSyncerHeartbeatTime") or "")
        if found == self._acknowledged or found in self._unanswered:
            return
        if found < self._acknowledged:
            log.error("the control plane went back in time", acknowledged=self._acknowledged, found=found)
            self._acknowledged = found  # Which is told once, however often the next one is tried.
            self._went_back(self._acknowledged_at)
        else:
            log.error("another syncer reports for this SyncTarget", acknowledged=self._acknowledged, found=found)
