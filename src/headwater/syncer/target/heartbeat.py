"""Tells the control plane that the syncer is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity
from headwater.telemetry.logging import get_logger

_RETRY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 2.0
"""How often between heartbeats there may be something to report that doesn't wait for the next one."""

_ANSWER_SECONDS: Final = 5.0

log = get_logger("syncer.heartbeat")


class Heartbeat:
    """Writes `status.lastSyncerHeartbeatTime` every so many seconds; a failure is retried each second.

    `status.lastSyncTime` goes with it, so that a busy syncer does not write to its SyncTarget all the time. So does
    what ``changes`` gives, a patch of the status; when there is some it brings the heartbeat forward, at most every
    two seconds.
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
    ) -> None:
        self._identity = identity
        self._resource = workspace.resource(SYNC_TARGETS)
        self._downstream = downstream
        self._activity = activity
        self._changes = changes
        self._interval_seconds = interval_seconds
        self._clock = clock
        self.last_error = "no heartbeat yet"
        """Why the last heartbeat failed; "" if it didn't."""

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            if await self.beat():
                await self._pause()
            else:
                await self._clock.sleep(_RETRY_SECONDS)

    async def _pause(self) -> None:
        """Wait for the next heartbeat's time, or until there are changes."""
        left = self._interval_seconds
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
            await self._resource.patch_status(self._identity.name, patch)
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            self._failed(str(error))
            return False
        self.last_error = ""
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
