"""The status of a Deployment: counts over its ReplicaSets, and the conditions that `kubectl rollout status` reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, generation, name
from headwater.machinery.timestamps import format_time, parse_time
from headwater.sim.stages import rollout
from headwater.sim.stages.pods import condition, set_condition, without_zeros

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_DEADLINE_SECONDS = 600


def status_of(
    deployment: Object, new: Object | None, old: Sequence[Object], now: datetime
) -> tuple[Object, float | None]:
    """The new status, and after how many seconds a rollout that makes no progress has to be looked at again."""
    spec, before = deployment.get("spec") or {}, deployment.get("status") or {}
    everything = [*old, new] if new is not None else list(old)
    counts = {
        "replicas": _sum(everything, "replicas"),
        "updatedReplicas": _sum([new] if new is not None else [], "replicas"),
        "readyReplicas": _sum(everything, "readyReplicas"),
        "availableReplicas": _sum(everything, "availableReplicas"),
    }
    asked = sum(int(one["spec"].get("replicas", 1)) for one in everything)
    counts["unavailableReplicas"] = max(asked - counts["availableReplicas"], 0)
    conditions: list[Object] = list(before.get("conditions") or ())
    conditions = _available(conditions, spec, counts["availableReplicas"], now)
    conditions, again = _progressing(conditions, deployment, new, counts, now)
    status = {"observedGeneration": generation(deployment), **without_zeros(counts), "conditions": conditions}
    return status, again


def _sum(replica_sets: Sequence[Object], field: str) -> int:
    return sum(int((one.get("status") or {}).get(field) or 0) for one in replica_sets)


def _available(conditions: list[Object], spec: Object, available: int, now: datetime) -> list[Object]:
    _, may_miss = rollout.limits(spec)
    enough = available >= int(spec.get("replicas", 1)) - may_miss
    text = format_time(now)
    if enough:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return _set(conditions, "Available", "True" if enough else "False", reason, message, text, moved=False)


def _progressing(
    conditions: list[Object], deployment: Object, new: Object | None, counts: Object, now: datetime
) -> tuple[list[Object], float | None]:
    spec, before = deployment.get("spec") or {}, deployment.get("status") or {}
    text = format_time(now)
    known = condition(deployment, "Progressing")
    if new is None:
        return _set(conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", text), None
    title = f'ReplicaSet "{name(new)}"'
    replicas = int(spec.get("replicas", 1))
    if counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == replicas:
        message = f"{title} has successfully progressed."
        return _set(conditions, "Progressing", "True", "NewReplicaSetAvailable", message, text, moved=False), None
    complete_before = known is not None and known.get("reason") == "NewReplicaSetAvailable"
    if complete_before and counts["updatedReplicas"] == before.get("updatedReplicas", 0) and _rolled_out(deployment):
        # Pods that fail after a rollout don't start another one.
        return conditions, None
    if known is None or complete_before or _moved(before, counts):
        return _set(conditions, "Progressing", "True", "ReplicaSetUpdated", f"{title} is progressing.", text), float(
            _deadline(spec)
        )
    waited = (now - parse_time(str(known.get("lastUpdateTime") or text))).total_seconds()
    if known.get("reason") == "ProgressDeadlineExceeded":
        return conditions, None
    if waited >= _deadline(spec):
        message = f"{title} has timed out progressing."
        return _set(conditions, "Progressing", "False", "ProgressDeadlineExceeded", message, text), None
    return conditions, _deadline(spec) - waited


def _rolled_out(deployment: Object) -> bool:
    return (deployment.get("status") or {}).get("observedGeneration") == generation(deployment)


def _deadline(spec: Object) -> int:
    return int(spec.get("progressDeadlineSeconds") or _DEADLINE_SECONDS)


def _moved(before: Object, counts: Object) -> bool:
    """Whether more is updated, ready or available than before, or fewer old pods are left."""
    was = {key: int(before.get(key) or 0) for key in _COUNTS}
    old_was, old_is = was["replicas"] - was["updatedReplicas"], counts["replicas"] - counts["updatedReplicas"]
    return old_is < old_was or any(counts[key] > was[key] for key in _COUNTS[1:])


def _set(
    conditions: list[Object], kind: str, status: str, reason: str, message: str, now: str, *, moved: bool = True
) -> list[Object]:
    """Set a condition; lastUpdateTime moves with any change, and when progress was made."""
    known = next((one for one in conditions if one.get("type") == kind), None)
    fresh = moved or known is None or (known.get("reason"), known.get("status")) != (reason, status)
    updated = now if fresh or known is None else str(known.get("lastUpdateTime") or now)
    return set_condition(conditions, kind, status, reason, message, now, lastUpdateTime=updated)
