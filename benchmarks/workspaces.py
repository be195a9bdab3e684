"""What a workspace costs: how fast it comes and goes, and the memory of one that nobody uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path

from benchmarks.load import Figures
from benchmarks.startup import memory_mb, seconds_until_ready
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_READY, WORKSPACE
from headwater.cli.demo.processes import Processes, free_port
from headwater.cli.session import split_workspace
from headwater.client.connection import ConnectionSettings
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.resource import ResourceClient
from headwater.client.transport import NetworkTransport
from headwater.machinery.objects import name, nested
from headwater.machinery.watch import DELETED

_CONNECTIONS = 16
_REST_SECONDS = 10.0
"""The server packs what nobody uses some seconds after its last use."""
_DEADLINE_SECONDS = 300.0


class Census:
    """Follows the workspaces of the root: which are ready, and which are there at all."""

    def __init__(self, client: ResourceClient) -> None:
        self._client = client
        self.there: set[str] = set()
        self.ready: set[str] = set()
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            async with self._client.watch() as watch:
                async for kind, obj in watch:
                    self.there.discard(name(obj))
                    self.ready.discard(name(obj))
                    if kind != DELETED:
                        self.there.add(name(obj))
                        if nested(obj, "status", "phase") == PHASE_READY:
                            self.ready.add(name(obj))
                    async with self._changed:
                        self._changed.notify_all()

    async def until(self, holds: Callable[[Iterable[str]], bool], names: Iterable[str]) -> None:
        """Return when something of these names holds, such as `ready.issuperset`."""
        async with asyncio.timeout(_DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: holds(names))


async def workspace_figures(folder: Path, count: int) -> Figures:
    """Two rounds of `count` workspaces; the first also fills buffers of bounded size, which the second finds full."""
    root = folder / "workspaces" / "hub"
    port = free_port()
    processes = Processes(folder / "workspaces" / "logs")
    flags = ["--root-directory", str(root), "--secure-port", str(port), "--log-level", "warning"]
    await processes.start("hub", ["start", *flags])
    try:
        await seconds_until_ready(port)
        pid = processes.pids()["hub"]
        client = _connect(load_file(root / "admin.kubeconfig").settings("root"))
        workspaces = client.cluster("root").resource(WORKSPACE.gvr)
        census = Census(workspaces)
        watching = asyncio.create_task(census.run())
        memory = [await _rested_mb(pid)]
        rounds = [[f"idle-{turn}-{number}" for number in range(count)] for turn in range(2)]
        for names in rounds:
            created = await _seconds(
                _together(names, _creator(workspaces)), census.until(census.ready.issuperset, names)
            )
            memory.append(await _rested_mb(pid))
        deleted = await _seconds(_together(names, workspaces.delete), census.until(census.there.isdisjoint, names))
        memory.append(await _rested_mb(pid))
        watching.cancel()
        await client.close()
    finally:
        await processes.stop()
    return {
        "workspaces": count,
        "ready_per_second": round(count / created, 1),
        "deleted_per_second": round(count / deleted, 1),
        "kb_per_idle_workspace": {
            "first_round": round((memory[1] - memory[0]) * 1024 / count, 1),
            "second_round": round((memory[2] - memory[1]) * 1024 / count, 1),
        },
        "memory_mb": dict(zip(("start", "first_round", "second_round", "second_round_deleted"), memory, strict=True)),
    }


def _connect(settings: ConnectionSettings) -> ClusterClient:
    return ClusterClient(NetworkTransport(replace(settings, server=split_workspace(settings.server)[0])))


def _creator(workspaces: ResourceClient) -> Callable[[str], Awaitable[object]]:
    def create(workspace: str) -> Awaitable[object]:
        return workspaces.create(
            {"apiVersion": WORKSPACE.api_version, "kind": WORKSPACE.kind, "metadata": {"name": workspace}}
        )

    return create


async def _together(names: list[str], call: Callable[[str], Awaitable[object]]) -> None:
    """Call for each name, over all connections at once."""
    remaining = iter(names)

    async def worker() -> None:
        for each in remaining:
            await call(each)

    await asyncio.gather(*(worker() for _ in range(_CONNECTIONS)))


async def _seconds(*steps: Awaitable[object]) -> float:
    """Seconds that these take, one after the other."""
    started = time.perf_counter()
    for step in steps:
        await step
    return time.perf_counter() - started


async def _rested_mb(pid: int) -> float:
    """Memory once nothing was used for a while."""
    await asyncio.sleep(_REST_SECONDS)
    return memory_mb(pid)
