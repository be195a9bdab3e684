"""Metrics of the process itself: memory, processor time, open files, start, version."""

from __future__ import annotations

from headwater.base.version import VERSION, git_commit
from headwater.telemetry.metrics import Registry


def register(registry: Registry) -> None:
    """Add the ``process_*`` metrics that dashboards for Go and Python programs expect, and the build's version."""
    registry.add_process_metrics()
    build = registry.gauge("headwater_build_info", "Constant 1, labelled by version.", ("version", "commit"))
    build.labels(VERSION, git_commit()).set(1)
