"""Makes plans, off the loop and few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final, TypeVar

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apiserver.authn.interface import UserInfo
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery import errors
from headwater.machinery.errors import Forbidden, NotFound
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.plan import plan
from headwater.scheduling.world import World
from headwater.virtual.rights import Rights
from headwater.virtual.scheduling.admittance import Admittance, Scope
from headwater.virtual.scheduling.applied import AsUser
from headwater.virtual.scheduling.changes import ChangeMaker, Changes
from headwater.virtual.scheduling.planned import Report, clusters_in, with_paths
from headwater.virtual.scheduling.planspec import PlanSpec

MAX_AT_ONCE: Final = 2
"""Plans that are made at the same time."""
_PLAN_SECONDS: Final = 30.0
_T = TypeVar("_T")


class Planner:
    """Plans on a copy of the world: nothing changes, and what changes meanwhile is not in the plan."""

    def __init__(
        self, cluster_client: ClusterClient, as_user: AsUser, clock: Clock, world: Callable[[], World]
    ) -> None:
        rights = Rights(cluster_client)
        self._admittance = Admittance(rights)
        self._changes = ChangeMaker(cluster_client, as_user, rights)
        self._cluster_client = cluster_client
        self._clock = clock
        self._world = world
        self._slots = Slots(MAX_AT_ONCE)

    async def plan(self, user: UserInfo, workspace: str, spec: PlanSpec) -> Object:
        """The status of the plan. Raises StatusError."""
        scope = await self._admittance.admit(user, workspace, spec)
        try:
            async with self._slots.take((user.name, user.uid)) as slot, asyncio.timeout(_PLAN_SECONDS):
                world = self._world().fork()
                changes = await self._changes.changes(user, scope.cluster, spec, world)
                now = self._clock.now()
                status = await slot.in_thread(lambda: _status(scope, world, changes, now))
                with_paths(status, {name: await self._path(name) for name in clusters_in(status)})
                return status
        except TimeoutError:
            raise errors.timeout(f"the plan was not made within {_PLAN_SECONDS:g}s: ask for less") from None

    async def _path(self, cluster: str) -> str:
        client = self._cluster_client.cluster(cluster).resource(LOGICAL_CLUSTER.gvr)
        try:
            return annotations_of(await client.get("cluster")).get(PATH_ANNOTATION, cluster)
        except (NotFound, Forbidden):
            return cluster


def _status(scope: Scope, world: World, changes: Changes, now: datetime) -> Object:
    return Report(scope, world, changes.added).status(plan(world, changes.found, now))


class Slots:
    """A number of places for work, one for each who asks; who finds none is asked to come again."""

    def __init__(self, count: int) -> None:
        self.free = count
        self._holders: set[Hashable] = set()

    def take(self, holder: Hashable) -> Slot:
        """A place, held until the context ends and the work in it is done. Raises TooManyRequests."""
        if not self.free or holder in self._holders:
            raise errors.too_many_requests("other plans are being made", retry_after_seconds=1)
        self.free -= 1
        self._holders.add(holder)
        return Slot(self, holder)

    def give_back(self, holder: Hashable) -> None:
        """The holder's work is done."""
        self.free += 1
        self._holders.discard(holder)


class Slot:
    """One place. Work in a thread can't be ended, so a place whose owner went away stays taken until it is done."""

    def __init__(self, slots: Slots, holder: Hashable) -> None:
        self._slots = slots
        self._holder = holder
        self._working = False
        self._left = False

    async def __aenter__(self) -> Slot:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left = True
        self._release()

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """Run a function in a thread."""

        def guarded() -> _T:
            try:
                return work()
            except StopIteration as error:
                # No future takes it: who waits would wait for ever.
                raise RuntimeError("a plan ended too early") from error

        self._working = True
        running = asyncio.get_running_loop().run_in_executor(None, guarded)
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, running: asyncio.Future[_T]) -> None:
        self._working = False
        if self._left and not running.cancelled():
            # Nobody waits any more who would hear of an error.
            running.exception()
        self._release()

    def _release(self) -> None:
        if self._left and not self._working:
            self._slots.give_back(self._holder)
