"""The first heartbeat brings the pcluster's capacity along, as workloads come once there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from headwater.base import jsonio
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Query, RawResponse, Stream
from headwater.machinery.objects import Object
from headwater.syncer.activity import Activity
from headwater.syncer.capacity.report import CapacityReport
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.target.heartbeat import Heartbeat

NODE: Object = {
    "metadata": {"name": "n1", "resourceVersion": "1"},
    "status": {
        "capacity": {"cpu": "4"},
        "allocatable": {"cpu": "3"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
_TURNS = 60
"""Steps of the event loop in which all has happened that does not wait for time, or for the pcluster."""


class PCluster:
    """An API server with one node, whose lists come when they are let through."""

    def __init__(self, *, served: tuple[str, ...] = ("nodes", "pods"), allowed: bool = True, broken: int = 0) -> None:
        self.served, self.allowed, self.broken = served, allowed, broken
        self.listable = asyncio.Event()

    async def request(self, method: str, path: str, *, query: Query = (), **_: object) -> RawResponse:
        if path == "/api/v1":
            return self._answer({"resources": [{"name": each} for each in self.served]})
        if path.endswith("/selfsubjectaccessreviews"):
            return self._answer({"status": {"allowed": self.allowed}})
        if path in ("/api/v1/nodes", "/api/v1/pods"):
            if self.broken:
                self.broken -= 1
                return RawResponse(500, {}, b"broken")
            return await self._page(path, dict(query))
        return self._answer({})

    async def _page(self, path: str, query: Mapping[str, str]) -> RawResponse:
        """Nodes are behind the second page."""
        if path == "/api/v1/nodes" and "continue" not in query:
            return self._answer({"metadata": {"resourceVersion": "1", "continue": "more"}, "items": []})
        await self.listable.wait()
        items = [NODE] if path == "/api/v1/nodes" else []
        return self._answer({"metadata": {"resourceVersion": "1"}, "items": items})

    @staticmethod
    def _answer(body: Object) -> RawResponse:
        return RawResponse(200, {}, jsonio.dumps(body))

    async def stream(self, method: str, path: str, **_: object) -> Stream:
        return _Silence()

    async def close(self) -> None: ...


class _Silence:
    """A watch on which nothing happens."""

    status = 200
    headers: Mapping[str, str] = {}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.get_running_loop().create_future()
        yield b""

    async def close(self) -> None: ...


class Hub:
    """A control plane that keeps the statuses that it is sent; the first ``lost`` of them never arrive."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.statuses: list[Object] = []

    async def request(self, method: str, path: str, *, body: bytes = b"", **_: object) -> RawResponse:
        if method == "PATCH":
            if self.lost:
                self.lost -= 1
                return RawResponse(503, {}, b"busy")
            self.statuses.append(jsonio.loads(body)["status"])
        return RawResponse(200, {}, jsonio.dumps({"status": self.statuses[-1] if self.statuses else {}}))

    async def stream(self, method: str, path: str, **_: object) -> Stream:
        return _Silence()

    async def close(self) -> None: ...


class Syncer:
    """A heartbeat and a capacity report between the two, on a clock that stands still."""

    def __init__(self, pcluster: PCluster, hub: Hub, *, enabled: bool = True) -> None:
        self.clock = ManualClock()
        self.hub = hub
        self.namespaces_known = True
        below, above = ClusterClient(pcluster).cluster(""), ClusterClient(hub).cluster("home")
        self.capacity = CapacityReport(
            below,
            is_ours=lambda _: False,
            ready=lambda: self.namespaces_known,
            clock=self.clock,
            enabled=enabled,
        )
        self.heartbeat = Heartbeat(
            identity=TargetIdentity("home", "west", "u"),
            workspace=above,
            downstream=below,
            activity=Activity(self.clock),
            changes=lambda: self.capacity.changes({}),
            interval_seconds=20,
            clock=self.clock,
            settled=lambda: self.capacity.settled,
        )

    async def run(self) -> None:
        async with TaskGroup("syncer") as group:
            group.start(self.heartbeat.run())
            group.start(self.capacity.run())

    async def passes(self, seconds: float) -> list[Object]:
        """Let time pass; the statuses that were written until then."""
        for _ in range(round(seconds / 0.5)):
            self.clock.advance(0.5)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        return self.hub.statuses


async def started(pcluster: PCluster, hub: Hub, *, enabled: bool = True) -> tuple[Syncer, asyncio.Task[None]]:
    syncer = Syncer(pcluster, hub, enabled=enabled)
    return syncer, asyncio.create_task(syncer.run())


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


KNOWN = {"cpu": "3"}


@pytest.mark.parametrize(("lost", "broken"), [(0, 0), (2, 0), (0, 3)], ids=["slow", "lost-writes", "failed-lists"])
async def test_it_waits_for_the_whole_list(lost: int, broken: int) -> None:
    """However often a list, or the write, has to be tried again: no heartbeat is without what the nodes have."""
    pcluster = PCluster(broken=broken)
    syncer, task = await started(pcluster, Hub(lost))
    assert not await syncer.passes(20)
    syncer.namespaces_known = False
    pcluster.listable.set()
    assert not await syncer.passes(10), "whose pods there are is not known yet"
    syncer.namespaces_known = True
    written = await syncer.passes(10)
    assert written[0]["allocatable"] == KNOWN
    assert written[0]["lastSyncerHeartbeatTime"]
    await stopped(task)


UNLIMITED = {
    "no-rights": (PCluster(allowed=False), True),
    "no-nodes-served": (PCluster(served=("pods",)), True),
    "not-wanted": (PCluster(), False),
}


@pytest.mark.parametrize(("pcluster", "enabled"), UNLIMITED.values(), ids=UNLIMITED)
async def test_it_does_not_wait_for_what_never_comes(pcluster: PCluster, enabled: bool) -> None:
    syncer, task = await started(pcluster, Hub(), enabled=enabled)
    written = await syncer.passes(1)
    assert len(written) == 1
    assert "allocatable" not in written[0]
    await stopped(task)


async def test_it_does_not_wait_for_ever() -> None:
    """A pcluster that can't list its nodes is alive; what it has is reported as soon as it can."""
    pcluster = PCluster()
    syncer, task = await started(pcluster, Hub())
    assert not await syncer.passes(59)
    assert "allocatable" not in (await syncer.passes(2))[0]
    pcluster.listable.set()
    assert (await syncer.passes(5))[-1]["allocatable"] == KNOWN
    await stopped(task)
