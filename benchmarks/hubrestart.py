"""A control plane of many targets and workloads that is killed: how long until it has settled, and what it wrote."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.fleet import DEPLOYMENTS, AdminToken, Fleet, deployment, target_key, until
from benchmarks.load import Figures
from benchmarks.startup import memory_mb, seconds_until_ready
from benchmarks.sync import restart
from headwater.cli.demo.processes import Processes, free_port
from headwater.cli.session import split_workspace
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.objects import name

_CANARY = "canary"
_QUIET_SECONDS = 5.0
_LONGEST_SECONDS = 600.0


async def hub_restart_figures(folder: Path, targets: int, workloads: int) -> Figures:
    """Seconds until a hub that was killed has settled, and what it wrote; the floor is a start and one read of all."""
    root, port = folder / "fleet" / "hub", free_port()
    processes = Processes(folder / "fleet" / "logs")
    arguments = ["start", "--root-directory", str(root), "--secure-port", str(port), "--log-level", "warning"]
    await processes.start("hub", arguments)
    try:
        empty = await seconds_until_ready(port)
        settings = load_file(root / "admin.kubeconfig").settings("root")
        settings = replace(settings, server=split_workspace(settings.server)[0], token="")
        transport = NetworkTransport(replace(settings, token_source=AdminToken(root / "admin.kubeconfig")))
        fleet = Fleet(ClusterClient(transport))
        beating = asyncio.create_task(fleet.beat())
        try:
            started = time.perf_counter()
            await fleet.build(targets, workloads)
            await until(
                fleet.placed, lambda found: sum(bool(key) for _, key in found.values()) >= workloads, pause=10.0
            )
            figures = {"targets": targets, "workloads": workloads}
            placed, _ = await _quiet(fleet, time.perf_counter())
            figures["seconds_to_create_and_place"] = round(placed - started, 1)
            return {**figures, **await _restarted(processes, port, fleet, empty)}
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await transport.close()
    finally:
        await processes.stop()


async def _restarted(processes: Processes, port: int, fleet: Fleet, empty: float) -> Figures:
    views = fleet.watched()
    tasks = [asyncio.create_task(view.run()) for view in views]
    try:
        for view in views:
            await view.wait_synced()
        started = time.perf_counter()
        placed = await fleet.placed()
        reading = time.perf_counter() - started
        changes: list[str] = []
        for view in views:
            view.add_handler(lambda _kind, old, new: changes.append(name(new or old or {})))
        changes.clear()
        before = memory_mb(processes.pids()["hub"])
        await restart(processes, "hub")
        started, beats = time.perf_counter(), fleet.beats
        pid = processes.pids()["hub"]
        await seconds_until_ready(port)
        ready = time.perf_counter() - started
        settled, canary, writes = await _settled(fleet, started)
        beats, busy = fleet.beats - beats, cpu_seconds(pid)
        after = await fleet.placed()
        floor = empty + reading
        return {
            "seconds_until_ready": round(ready, 2),
            "seconds_until_a_new_workload_is_placed": round(canary, 2),
            "seconds_until_settled": round(settled, 2),
            "cpu_seconds_until_quiet": round(busy, 1),
            "floor_empty_start_and_one_read_seconds": round(floor, 2),
            "settled_to_floor": round(settled / floor, 1),
            "workloads_written": sum(after.get(each) != state for each, state in placed.items()),
            "decisions_changed": sum(after.get(each, ("", ""))[1] != key for each, (_, key) in placed.items()),
            "events_at_watched_targets": {"targets": len(views), "events": sum(each != _CANARY for each in changes)},
            "writes_of_the_hub": writes,
            "heartbeats_meanwhile": beats,
            "memory_mb": {"before": before, "after": memory_mb(pid)},
        }
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settled(fleet: Fleet, started: float) -> tuple[float, float, dict[str, int]]:
    """When the last write was seen, when a new workload was placed, and all writes without those of heartbeats."""
    client = fleet.hub.cluster(fleet.tenants[0]).resource(DEPLOYMENTS, "space-0")
    await until(lambda: client.create(deployment(_CANARY)), bool)
    await until(lambda: client.get(_CANARY), target_key)
    canary = time.perf_counter()
    last, writes = await _quiet(fleet, canary)
    return last - started, canary - started, writes


async def _quiet(fleet: Fleet, last: float) -> tuple[float, dict[str, int]]:
    """Wait until the hub writes nothing any more; when it was seen to write last, and all its writes."""
    seen: dict[str, int] = {}
    async with asyncio.timeout(_LONGEST_SECONDS):
        while time.perf_counter() - last < _QUIET_SECONDS:
            writes = await fleet.writes()
            if writes != seen:
                seen, last = writes, time.perf_counter()
            await asyncio.sleep(0.2)
    return last, seen


def cpu_seconds(pid: int) -> float:
    """What a process has had of the processors, which other programs on the machine bear on less than on the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
