"""ReplicaSet: keep as many pods of a template as asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deletion_timestamp, generation, labels, name
from headwater.sim.changes import Change, Create, Delete, Plan, soonest, status_change
from headwater.sim.resources import PODS, REPLICA_SETS
from headwater.sim.stages.pods import (
    deletion_rank,
    is_active,
    is_ready,
    pod_from_template,
    seconds_until_available,
    without_zeros,
)

BURST = 500


def plan(replica_set: Object, pods: Sequence[Object], now: datetime) -> Plan:
    """Changes for a ReplicaSet and the pods that it controls."""
    spec = replica_set.get("spec") or {}
    active = [pod for pod in pods if is_active(pod)]
    changes: list[Change] = []
    if not deletion_timestamp(replica_set):
        missing = int(spec.get("replicas", 1)) - len(active)
        changes += _creations(replica_set, min(missing, BURST)) if missing > 0 else _deletions(active, -missing)
    if changes:
        # The status is written when the pods that come and go have been seen; until then it would soon be wrong.
        return Plan(changes)
    waits = [seconds_until_available(pod, int(spec.get("minReadySeconds") or 0), now) for pod in active]
    changes += status_change(REPLICA_SETS, replica_set, _status(replica_set, active, waits))
    return Plan(changes, soonest(*(wait for wait in waits if wait)))


def _creations(replica_set: Object, count: int) -> list[Change]:
    template = replica_set["spec"].get("template") or {}
    prefix = f"{name(replica_set)}-"
    return [Create(PODS, pod_from_template(replica_set, template, generate_name=prefix)) for _ in range(count)]


def _deletions(active: Sequence[Object], count: int) -> list[Change]:
    return [Delete(PODS, pod) for pod in sorted(active, key=deletion_rank)[:count]]


def _status(replica_set: Object, active: Sequence[Object], waits: Sequence[float | None]) -> Object:
    wanted = ((replica_set["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
    counts = without_zeros(
        {
            "fullyLabeledReplicas": sum(1 for pod in active if wanted.items() <= labels(pod).items()),
            "readyReplicas": sum(1 for pod in active if is_ready(pod)),
            "availableReplicas": sum(1 for wait in waits if wait == 0),
        }
    )
    return {"replicas": len(active), **counts, "observedGeneration": generation(replica_set)}
