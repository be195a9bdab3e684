"""Run all measurements, or those named, and print one JSON document."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.api import api_server_figures
from benchmarks.hubrestart import hub_restart_figures
from benchmarks.scheduling import scheduling_figures
from benchmarks.startup import startup_figures
from benchmarks.sync import sync_figures
from benchmarks.workspaces import workspace_figures

PARTS = ("startup", "api", "workspaces", "scheduling", "sync", "fleet")


async def measure(parts: list[str], flags: argparse.Namespace) -> dict[str, object]:
    """The figures of each part."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load_before": os.getloadavg()[0]}
    figures: dict[str, object] = {"machine": machine}
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder = Path(name)
        if "startup" in parts:
            figures["startup"] = await startup_figures(folder)
        if "api" in parts:
            figures["api"] = await api_server_figures(folder, flags.requests)
        if "workspaces" in parts:
            figures["workspaces"] = await workspace_figures(folder, flags.workspaces)
        if "scheduling" in parts:
            figures["scheduling"] = await scheduling_figures(flags.workloads)
        if "sync" in parts:
            with redirect_stdout(sys.stderr):  # The scenario tells its story; stdout is for the figures.
                figures["sync"] = await sync_figures(folder, burst=flags.burst, many=flags.many)
        if "fleet" in parts:
            with redirect_stdout(sys.stderr):  # Watchers log that they lose the control plane, which is meant.
                figures["fleet"] = await hub_restart_figures(folder, flags.targets, flags.fleet)
    return figures


def main() -> None:
    """Parse flags and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--requests", type=int, default=5000, help="requests of each verb")
    parser.add_argument("--burst", type=int, default=1000, help="objects created at once")
    parser.add_argument("--workspaces", type=int, default=300, help="workspaces of each round")
    parser.add_argument("--workloads", type=int, default=100_000, help="workloads to schedule")
    parser.add_argument("--many", type=int, default=10_000, help="objects on one pcluster before it is restarted")
    parser.add_argument("--targets", type=int, default=1000, help="SyncTargets of the control plane that is restarted")
    parser.add_argument("--fleet", type=int, default=10_000, help="workloads that are placed on them")
    flags = parser.parse_args()
    unknown = set(flags.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    parts = flags.parts or list(PARTS)
    figures = asyncio.run(measure(parts, flags))
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
