"""From an acknowledged create in a workspace to the object on a simulated pcluster, and its status back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.load import Figures
from benchmarks.startup import memory_mb
from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.workload.labels import CLUSTER_LABEL
from headwater.cli.demo.processes import Processes
from headwater.cli.demo.scenario import PLATFORM, SHOP, Scenario
from headwater.cli.session import split_workspace
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import TransportError
from headwater.client.kubeconfig import load_file
from headwater.client.resource import ResourceClient
from headwater.client.transport import NetworkTransport
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import name

CONFIGMAPS = GroupVersionResource("", "v1", "configmaps")
SERVICES = GroupVersionResource("", "v1", "services")
_CONNECTIONS = 32
_RATE = 200
_QUIET_SECONDS = 5.0
_LONGEST_SECONDS = 600.0


class Arrivals:
    """When each object was first seen as it should be, by name."""

    def __init__(self, client: ResourceClient, *, selector: str = "", accept: Callable[[Any], bool] = bool) -> None:
        self._client = client
        self._selector = selector
        self._accept = accept
        self.seen: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with self._client.watch(label_selector=self._selector) as watch:
                    async for _, obj in watch:
                        if name(obj) not in self.seen and self._accept(obj):
                            self.seen[name(obj)] = time.perf_counter()
                            if name(obj) in self._waiting:
                                self._waiting[name(obj)].set()
            except (StatusError, TransportError):
                await asyncio.sleep(0.1)

    async def wait(self, object_name: str) -> float:
        """The moment at which an object was there."""
        event = self._waiting.setdefault(object_name, asyncio.Event())
        if object_name not in self.seen:
            await asyncio.wait_for(event.wait(), _LONGEST_SECONDS)
        return self.seen[object_name]


class Bench:
    """A running stack with one workspace that is placed on one pcluster."""

    def __init__(self, scenario: Scenario, processes: Processes, below: str) -> None:
        self._scenario = scenario
        self._anew: ClusterClient | None = None
        self.processes = processes
        self.target = below
        self.maps = scenario.client(SHOP).resource(CONFIGMAPS, "default")
        self.services = scenario.client(SHOP).resource(SERVICES, "default")
        pcluster = scenario.pclusters[below].cluster("")
        self.below = pcluster.resource(CONFIGMAPS)
        self._straight = pcluster.resource(CONFIGMAPS, "default")
        self.maps_below = Arrivals(self.below, selector=CLUSTER_LABEL)
        self.services_above = Arrivals(self.services, accept=_has_address)
        self._watching = [asyncio.create_task(each.run()) for each in (self.maps_below, self.services_above)]

    async def stop(self) -> None:
        for task in self._watching:
            task.cancel()
        if self._anew is not None:
            await self._anew.close()

    def syncer_mb(self) -> float:
        """Resident memory of the syncer that has the work."""
        return memory_mb(self.processes.pids()[f"syncer-{self.target}"])

    async def down(self, object_name: str) -> float:
        """Seconds from an acknowledged create to the copy."""
        await self.maps.create(_configmap(object_name))
        acknowledged = time.perf_counter()
        return max(await self.maps_below.wait(object_name) - acknowledged, 0.0)

    async def straight(self, object_name: str) -> float:
        """Seconds of a create on the pcluster itself, without anybody between: the floor."""
        started = time.perf_counter()
        await self._straight.create(_configmap(object_name))
        return time.perf_counter() - started

    async def there_and_back(self, object_name: str) -> float:
        """Seconds from an acknowledged create to the status that the pcluster gave, in the workspace.

        A Service of type LoadBalancer, since its address needs no pod to start.
        """
        await self.services.create(_service(object_name))
        acknowledged = time.perf_counter()
        return max(await self.services_above.wait(object_name) - acknowledged, 0.0)

    async def under_load(self, seconds: float) -> dict[str, Figures]:
        """Latencies while 200 objects are written in a second."""
        started = time.perf_counter()
        tasks = []
        for number in range(int(seconds * _RATE)):
            await asyncio.sleep(max(started + number / _RATE - time.perf_counter(), 0))
            measure = self.there_and_back if number % 10 == 0 else self.down
            tasks.append((number % 10 == 0, asyncio.create_task(measure(f"load-{number}"))))
        rate = len(tasks) / (time.perf_counter() - started)
        back = [await task for is_back, task in tasks if is_back]
        down = [await task for is_back, task in tasks if not is_back]
        return {
            "create_to_downstream_ms": spread(down),
            "create_to_status_back_ms": spread(back),
            "writes_per_second": {"asked": _RATE, "done": round(rate)},
        }

    async def burst(self, prefix: str, count: int) -> float:
        """Seconds from the first request of a burst to the arrival of its last object."""
        numbers = iter(range(count))
        started = time.perf_counter()

        async def worker() -> None:
            for number in numbers:
                await self.maps.create(_configmap(f"{prefix}-{number}"))

        await asyncio.gather(*(worker() for _ in range(_CONNECTIONS)))
        return max([await self.maps_below.wait(f"{prefix}-{number}") for number in range(count)]) - started

    async def after_restart(self, names: tuple[str, ...]) -> Figures:
        """Seconds until programs that were killed and started again take new work, and what was written below.

        The canary is handled when all that was there before has been: it comes last.
        """
        before = int((await self.below.list(limit=1))["metadata"]["resourceVersion"])
        known = await self._versions()
        for each in names:
            await restart(self.processes, each)
        started = time.perf_counter()
        canary = f"canary-{names[0]}"
        while True:
            try:
                await self.maps.create(_configmap(canary))
                break
            except (StatusError, TransportError):
                await asyncio.sleep(0.05)
                await self._reconnect()
        seconds = await self.maps_below.wait(canary) - started
        await asyncio.sleep(_QUIET_SECONDS)
        written = sum(version != known.get(uid) for uid, version in (await self._versions()).items()) - 1
        return {
            "seconds_until_a_new_object_is_down": round(seconds, 2),
            "copies_written": written,
            "copies": len(known),
            "revision_before": before,
        }

    async def _reconnect(self) -> None:
        """A control plane that starts writes new credentials for its administrator."""
        settings = load_file(self._scenario.admin_kubeconfig).settings()
        if self._anew is not None:
            await self._anew.close()
        self._anew = ClusterClient(NetworkTransport(replace(settings, server=split_workspace(settings.server)[0])))
        self.maps = self._anew.cluster(SHOP).resource(CONFIGMAPS, "default")

    async def _versions(self) -> dict[str, str]:
        items, _ = await self.below.list_all(label_selector=CLUSTER_LABEL, metadata_only=True)
        return {each["metadata"]["uid"]: each["metadata"]["resourceVersion"] for each in items}


async def sync_figures(folder: Path, idle: int = 100, burst: int = 1000, many: int = 10_000) -> Figures:
    """Latencies idle and under load, bursts, what a restart costs, and memory."""
    processes = Processes(folder / "sync" / "logs")
    scenario = Scenario(folder / "sync", processes)
    try:
        await scenario.start()
        await scenario.register()
        await scenario.headwater("bind", "compute", PLATFORM, "--location-selector", "", workspace=SHOP)
        found, _ = await scenario.client(SHOP).resource(PLACEMENTS).list_all()
        bench = Bench(scenario, processes, str(found[0]["status"]["decisions"][0]["syncTarget"]))
        await bench.down("warm-up")
        await bench.there_and_back("warm-up")
        idle_mb = bench.syncer_mb()
        floor = spread([await bench.straight(f"floor-{number}") for number in range(idle)])
        down = spread([await bench.down(f"idle-{number}") for number in range(idle)])
        figures: Figures = {
            "floor_create_on_pcluster_ms": floor,
            "create_to_downstream_idle_ms": {**down, "p50_to_floor": round(down["p50"] / floor["p50"], 1)},
            "create_to_status_back_idle_ms": spread(
                [await bench.there_and_back(f"idle-{number}") for number in range(idle)]
            ),
            "under_load": await bench.under_load(10),
            "burst": {"objects": burst, "seconds_until_all_are_down": round(await bench.burst("burst", burst), 2)},
        }
        figures["many"] = {"objects": many, "seconds_until_all_are_down": round(await bench.burst("many", many), 2)}
        memory = {"idle": idle_mb, "at_many": bench.syncer_mb()}
        figures["syncer_memory_mb"] = memory
        figures["syncer_restart"] = await bench.after_restart((f"syncer-{bench.target}",))
        memory["after_restart"] = bench.syncer_mb()
        figures["hub_restart"] = await bench.after_restart(("hub",))
        figures["memory_mb_after"] = {each: memory_mb(pid) for each, pid in processes.pids().items()}
        await bench.stop()
    finally:
        await scenario.close()
        await processes.stop()
    return figures


async def restart(processes: Processes, program: str) -> None:
    """Kill a program, and start it as it was."""
    for index, (each, process) in enumerate(processes.running):
        if each == program:
            arguments = arguments_of(process.pid)
            process.kill()
            await process.wait()
            del processes.running[index]
            await processes.start(program, arguments)
            return
    raise LookupError(program)


def arguments_of(pid: int) -> list[str]:
    """What a headwater process was started with."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return command[command.index(next(part for part in command if part.endswith("/headwater"))) + 1 : -1]


def spread(seconds: list[float]) -> Figures:
    """The middle and the end of a distribution, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50": round(ordered[len(ordered) // 2] * 1e3, 1),
        "p99": round(ordered[int(len(ordered) * 0.99)] * 1e3, 1),
        "runs": len(ordered),
    }


def _has_address(service: Any) -> bool:
    return bool(((service.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def _configmap(object_name: str) -> dict[str, object]:
    data = {f"k{number}": "x" * 100 for number in range(10)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": object_name}, "data": data}


def _service(object_name: str) -> dict[str, object]:
    spec = {"type": "LoadBalancer", "selector": {"app": object_name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": object_name}, "spec": spec}
