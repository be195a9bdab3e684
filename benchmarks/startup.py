"""How fast the control plane is ready, and its idle memory; the floor is an interpreter with the HTTP library."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.load import Figures
from headwater.cli.demo.processes import Processes, free_port, headwater_command

_DEADLINE_SECONDS = 30.0


def import_floor() -> float:
    """Seconds that an interpreter needs to start and import asyncio and aiohttp's server."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import asyncio, uvloop, aiohttp.web_protocol"], check=True)
    return time.perf_counter() - started


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    raise AssertionError("Linux says VmRSS of every process")


async def seconds_until_ready(port: int) -> float:
    """Seconds until /readyz answers 200 over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    started = time.perf_counter()
    while time.perf_counter() - started < _DEADLINE_SECONDS:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = await reader.read(64)
            writer.close()
            if b" 200 " in answer:
                return time.perf_counter() - started
        except OSError:
            pass
        await asyncio.sleep(0.005)
    raise TimeoutError("the control plane is not ready")


async def startup_figures(folder: Path, runs: int = 3) -> Figures:
    """First start, restarts (the best and the middle one), idle memory, and the floor of the same moment."""
    root = folder / "startup"
    floors, seconds, idle = [], [], 0.0
    for _ in range(runs + 1):
        floors.append(import_floor())
        port = free_port()
        processes = Processes(root / "logs")
        await processes.start("hub", ["start", "--root-directory", str(root / "hub"), "--secure-port", str(port)])
        seconds.append(await seconds_until_ready(port))
        await asyncio.sleep(1.0)
        idle = memory_mb(processes.pids()["hub"])
        await processes.stop()
    floor = sorted(floors)[len(floors) // 2]
    middle = sorted(seconds[1:])[runs // 2]
    return {
        "command": headwater_command().rpartition("/")[2],
        "first_start_seconds": round(seconds[0], 2),
        "restart_seconds": {"min": round(min(seconds[1:]), 2), "median": round(middle, 2)},
        "floor_import_seconds": round(floor, 2),
        "restart_to_floor": round(middle / floor, 2),
        "idle_memory_mb": idle,
    }
