"""Gauges and health checks of a running syncer."""

from __future__ import annotations

from headwater.syncer.downstream import Downstream
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.target.binding import PClusterBinding
from headwater.syncer.target.heartbeat import Heartbeat
from headwater.syncer.upstream import Upstream
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.metrics import Registry


def add_checks(
    health: HealthChecks,
    registry: Registry,
    *,
    heartbeat: Heartbeat,
    upstream: Upstream,
    downstream: Downstream,
    namespaces: Namespaces,
    binding: PClusterBinding,
) -> None:
    """Count what both sides hold in memory, and let the health checks tell what keeps them from being current."""
    objects = registry.gauge("syncer_objects", "Objects that are held in memory, by side.", ["side"])
    objects.labels("downstream").set_function(downstream.count)
    orphans = registry.gauge(
        "syncer_orphaned_namespaces", "Namespaces of a SyncTarget that had our name and another uid."
    )
    orphans.set_function(lambda: len(namespaces.orphans()))
    objects.labels("upstream").set_function(upstream.count)
    health.add("pcluster", lambda: binding.problem or None)
    health.add("heartbeat", lambda: heartbeat.last_error or None)
    health.add("upstream", lambda: "; ".join(upstream.errors()) or None)
    health.add("downstream", lambda: "; ".join(downstream.informers.errors()) or None)
