"""From an acknowledged create in a workspace to the object on a simulated pcluster, and its status back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.load import Figures
from benchmarks.startup import memory_mb
from headwater.apis.workload.labels import CLUSTER_LABEL
from headwater.cli.demo.processes import Processes
from headwater.cli.demo.scenario import PLATFORM, SHOP, Scenario
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import name

CONFIGMAPS = GroupVersionResource("", "v1", "configmaps")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
_BURST_CONNECTIONS = 32


class Arrivals:
    """When each object was first seen on the pcluster, by name."""

    def __init__(self, client: ResourceClient) -> None:
        self._client = client
        self.seen: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            async with self._client.watch(label_selector=CLUSTER_LABEL) as watch:
                async for _, obj in watch:
                    if self.seen.setdefault(name(obj), time.perf_counter()) and name(obj) in self._waiting:
                        self._waiting[name(obj)].set()

    async def wait(self, object_name: str) -> float:
        """The moment at which an object was there."""
        event = self._waiting.setdefault(object_name, asyncio.Event())
        if object_name not in self.seen:
            await asyncio.wait_for(event.wait(), 60)
        return self.seen[object_name]


async def sync_figures(folder: Path, idle: int = 100, burst: int = 1000) -> Figures:
    """Latency one by one, and the time of a burst until all of it is there."""
    processes = Processes(folder / "sync" / "logs")
    scenario = Scenario(folder / "sync", processes)
    try:
        await scenario.start()
        await scenario.register()
        await scenario.headwater("bind", "compute", PLATFORM, "--location-selector", "", workspace=SHOP)
        below = await _target(scenario)
        maps = scenario.client(SHOP).resource(CONFIGMAPS, "default")
        arrivals = Arrivals(scenario.pclusters[below].cluster("").resource(CONFIGMAPS))
        watching = asyncio.create_task(arrivals.run())
        await maps.create(_configmap("warm-up"))
        await arrivals.wait("warm-up")
        latencies = sorted([await _one(maps, arrivals, f"idle-{number}") for number in range(idle)])
        seconds = await _burst(maps, arrivals, burst)
        memory = {each: memory_mb(pid) for each, pid in processes.pids().items()}
        watching.cancel()
    finally:
        await scenario.close()
        await processes.stop()
    return {
        "create_to_downstream_idle_ms": {
            "p50": round(latencies[idle // 2] * 1e3, 1),
            "p99": round(latencies[int(idle * 0.99)] * 1e3, 1),
            "runs": idle,
        },
        "burst": {"objects": burst, "seconds_until_all_are_down": round(seconds, 2)},
        "memory_mb_after": memory,
    }


async def _target(scenario: Scenario) -> str:
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS

    found, _ = await scenario.client(SHOP).resource(PLACEMENTS).list_all()
    return str(found[0]["status"]["decisions"][0]["syncTarget"])


def _configmap(object_name: str) -> dict[str, object]:
    data = {f"k{number}": "x" * 100 for number in range(10)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": object_name}, "data": data}


async def _one(maps: ResourceClient, arrivals: Arrivals, object_name: str) -> float:
    await maps.create(_configmap(object_name))
    acknowledged = time.perf_counter()
    return max(await arrivals.wait(object_name) - acknowledged, 0.0)


async def _burst(maps: ResourceClient, arrivals: Arrivals, count: int) -> float:
    """Seconds from the first request of a burst to the arrival of its last object."""
    numbers = iter(range(count))
    started = time.perf_counter()

    async def worker() -> None:
        for number in numbers:
            await maps.create(_configmap(f"burst-{number}"))

    await asyncio.gather(*(worker() for _ in range(_BURST_CONNECTIONS)))
    return max([await arrivals.wait(f"burst-{number}") for number in range(count)]) - started
