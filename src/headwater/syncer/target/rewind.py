"""Notices that a pcluster went back in time, as one does that is restored from a backup, and begins anew then.

An API server of Kubernetes takes a watch from a resourceVersion that it has not reached (again), and sends nothing
until it has, which may be days: what vanished in the restore, and what came back, would not be heard of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec

from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import resource_version
from headwater.machinery.revisions import counted
from headwater.telemetry.logging import get_logger

_NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")

_P = ParamSpec("_P")

log = get_logger("syncer.target")


class PClusterWentBack(Exception):
    """What is known of the pcluster may never have happened."""


class Reached:
    """The highest resourceVersion that the pcluster has said to have reached."""

    def __init__(self, downstream: Client, *, interval_seconds: float, clock: Clock, allowed: asyncio.Event) -> None:
        self._namespaces = downstream.resource(_NAMESPACES)
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._allowed = allowed
        self._highest = 0

    async def run(self) -> None:
        """Ask again and again, while ``allowed`` is set. Raises PClusterWentBack."""
        while True:
            await self._allowed.wait()
            await self.look()
            await self._clock.sleep(self._interval_seconds)

    async def look(self) -> None:
        """Ask for it, by one small request. Raises PClusterWentBack; that there is no answer is no sign."""
        try:
            page = await self._namespaces.list(limit=1, metadata_only=True)
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            log.debug("resourceVersion of the pcluster is not known", error=str(error))
            return
        reached = counted(str(resource_version(page)))
        if reached is None:
            return
        if reached < self._highest:
            raise PClusterWentBack(f"the pcluster is at resourceVersion {reached} and was at {self._highest}")
        self._highest = reached


def anew_when_it_went_back(work: Callable[_P, Awaitable[None]]) -> Callable[_P, Awaitable[None]]:
    """Have the work begin again, with all lists anew, whenever it ends because the pcluster went back."""

    async def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        while True:
            try:
                return await work(*args, **kwargs)
            except PClusterWentBack as error:
                log.error("the pcluster was restored from an older state; listing all of it anew", found=str(error))

    return run
