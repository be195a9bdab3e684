"""Metrics of the process itself: memory, processor time, open files, start."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from headwater.base.version import VERSION, git_commit
from headwater.telemetry.metrics import Registry

_STARTED = time.time()


def register(registry: Registry) -> None:
    """Add the ``process_*`` metrics that dashboards for Go and Python programs expect, and the build's version."""
    registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.").set_function(resident_bytes)
    registry.gauge("process_cpu_seconds_total", "User and system time in seconds.").set_function(time.process_time)
    registry.gauge("process_open_fds", "Number of open file descriptors.").set_function(_open_files)
    registry.gauge("process_start_time_seconds", "Start time in seconds since the epoch.").set(_STARTED)
    build = registry.gauge("headwater_build_info", "Constant 1, labelled by version.", ("version", "commit"))
    build.labels(VERSION, git_commit()).set(1)


def resident_bytes() -> float:
    """Memory of this process that is in RAM; where /proc is absent, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError, ValueError):
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def _open_files() -> float:
    try:
        return float(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - a count needs no path objects
    except OSError:
        return 0.0
