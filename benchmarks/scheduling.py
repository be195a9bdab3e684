"""A hundred thousand workloads over a thousand targets: decided, decided again after a loss, one more, and planned.

The floor is a bare numpy loop over the same requests and targets: for each workload which targets of its group have
room, and the first of them charged. It keeps no policies, names, shares, reasons or sources.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.load import Figures
from headwater.machinery.labels import parse_selector
from headwater.scheduling.assign import assign, assign_all, record
from headwater.scheduling.changes import Drain, Fail
from headwater.scheduling.home import settle_homes
from headwater.scheduling.model import Location, Policy, Resources, SpreadConstraint, Taint, Target
from headwater.scheduling.plan import plan
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS, GROUPS, CELLS = 1000, 10, 7
_NEW = 500
_SHAPES: tuple[Resources, ...] = tuple(
    {"cpu": cpu, "memory": mebibytes << 20, "pods": 1}
    for cpu in (100, 250, 500, 1000)
    for mebibytes in (128, 256, 512, 1024)
)
_LIMITS = {"roomy": 500_000, "full": 150_000}
"""Thousandths of a core of each target: enough for everything, or for nine tenths."""


async def scheduling_figures(count: int) -> Figures:
    """Both fleets, each in a process of its own, so that memory is that of one world."""
    figures: Figures = {"workloads": count, "targets": TARGETS}
    for fleet in _LIMITS:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.scheduling", fleet, str(count), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        figures[fleet] = json.loads(out)
    return figures


def measure(fleet: str, count: int) -> Figures:
    """All figures of one fleet."""
    workloads = list(_workloads(count))
    floor = _timed(lambda: _bare(workloads, _LIMITS[fleet]))
    empty = _resident_mb()
    world = World()
    built = _timed(lambda: _fill(world, workloads, _LIMITS[fleet]))
    homes = _timed(lambda: settle_homes(world, NOW))
    assigned = _timed(lambda: assign_all(world, world.workloads(), NOW))
    world_mb = _resident_mb() - empty
    key = "key-0123"
    lost = world.fork()
    return {
        "build_seconds": round(built, 2),
        "homes_seconds": round(homes, 2),
        "assign_seconds": round(assigned, 2),
        "floor_seconds": round(floor, 2),
        "ratio_to_floor": round((homes + assigned) / floor, 1),
        "unplaced": sum(not _current(world, each) for each in world.workloads()),
        "loss_of_one_target_ms": round(_timed(lambda: _lose(lost, key)) * 1e3, 1),
        "one_more_ms": _one_by_one(world.fork()),
        "plan_drain_seconds": round(_timed(lambda: plan(world, [Drain(key)], NOW)), 2),
        "plan_fail_cell_seconds": round(_timed(lambda: plan(world, [Fail(_cell(world))], NOW)), 2),
        "world_mb": round(world_mb),
        "peak_mb": round(_peak_mb()),
    }


def _workloads(count: int) -> Iterator[Workload]:
    """Five for each policy, of sixteen shapes, with one to five replicas."""
    chance = random.Random(1)
    for number in range(count):
        uid = f"uid-{number % (count // 5)}"
        name = f"deployments.apps cluster-{number % 1000}|shop/web-{number}"
        yield Workload(name, (uid,), chance.randint(1, 5), _SHAPES[number % len(_SHAPES)])


def _fill(world: World, workloads: list[Workload], millicores: int) -> None:
    for number in range(GROUPS):
        here = parse_selector(f"group={number}")
        world.put_location(Location("platform", f"group-{number}", {"group": str(number)}, here))
    for number in range(TARGETS):
        world.put_target(
            Target(
                f"key-{number:04}",
                "platform",
                f"target-{number}",
                labels={"group": str(number % GROUPS)},
                cells=(f"cell-{number % CELLS}",),
                taints=(Taint("gpu", "", "NoSchedule"),) if number % 50 == 0 else (),
                allocatable={"cpu": millicores, "memory": 2 << 40, "pods": 5000},
            )
        )
    for number in range(len(workloads) // 5):
        kind = number % 10
        world.put_policy(
            Policy(
                f"uid-{number}",
                parse_selector(f"group={number % GROUPS}"),
                name=f"web-{number}",
                location_cluster="platform",
                maximum=2 if kind < 3 else 1,
                divided=kind == 0,
                spread=(SpreadConstraint("cell"),) if kind == 1 else (),
            )
        )
    for workload in workloads:
        world.put_workload(workload)


def _lose(world: World, key: str) -> None:
    """What the controllers do when a target was away for longer than the grace."""
    target = world.target(key)
    assert target is not None, "made above"
    world.put_target(replace(target, not_ready_since=NOW - timedelta(days=1)))
    for policy in world.policies():
        if key in policy.current:
            world.put_policy(replace(policy, current=()))
    settle_homes(world, NOW)
    assign_all(world, world.on_target(key), NOW)


def _one_by_one(world: World) -> Figures:
    seconds = []
    for number in range(_NEW):
        new = Workload(f"deployments.apps new-{number}", (f"uid-{number}",), 3, dict(_SHAPES[number % 16]))

        def decide(new: Workload = new) -> None:
            world.put_workload(new)
            record(world, new.id, assign(world, new.id, NOW))

        seconds.append(_timed(decide))
    seconds.sort()
    return {"p50": round(seconds[_NEW // 2] * 1e3, 3), "max": round(seconds[-1] * 1e3, 3)}


def _bare(workloads: list[Workload], millicores: int) -> None:
    free = np.tile(np.array([millicores, 2 << 40, 5000], np.int64), (TARGETS, 1))
    groups = [np.arange(number, TARGETS, GROUPS) for number in range(GROUPS)]
    for number, workload in enumerate(workloads):
        need = np.array([*workload.request.values()], np.int64) * workload.replicas
        slots = groups[number % GROUPS]
        fits = (free[slots] >= need).all(axis=1)
        if fits.any():
            free[slots[fits.argmax()]] -= need


def _cell(world: World) -> frozenset[str]:
    return frozenset(target.key for target in world.targets() if target.cells == ("cell-1",))


def _current(world: World, workload_id: str) -> dict[str, int]:
    workload = world.workload(workload_id)
    return dict(workload.current) if workload is not None else {}


def _timed(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def _resident_mb() -> float:
    return _status_mb("VmRSS")


def _peak_mb() -> float:
    return _status_mb("VmHWM")


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], int(sys.argv[2])), sys.stdout)
