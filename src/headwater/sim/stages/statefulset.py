"""StatefulSet: pods with fixed names, made, replaced and removed in order, each with its own volume claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deep_copy, deletion_timestamp, generation, labels, name, namespace
from headwater.sim.changes import Change, Create, Delete, Plan, soonest, status_change
from headwater.sim.resources import CLAIMS, PODS, STATEFUL_SETS
from headwater.sim.stages.pods import (
    is_finished,
    is_ready,
    phase,
    pod_from_template,
    seconds_until_available,
    template_hash,
    without_zeros,
)

REVISION_LABEL = "controller-revision-hash"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def plan(stateful_set: Object, pods: Sequence[Object], now: datetime) -> Plan:
    """Changes for a StatefulSet and the pods that it controls."""
    spec = stateful_set.get("spec") or {}
    if deletion_timestamp(stateful_set):
        return Plan()
    minimum_ready = int(spec.get("minReadySeconds") or 0)
    by_ordinal = {ordinal: pod for pod in pods if (ordinal := _ordinal(stateful_set, pod)) is not None}
    waits = {ordinal: seconds_until_available(pod, minimum_ready, now) for ordinal, pod in by_ordinal.items()}
    revision = f"{name(stateful_set)}-{template_hash(spec.get('template') or {})}"
    changes = _next_changes(stateful_set, by_ordinal, waits, revision)
    changes += status_change(STATEFUL_SETS, stateful_set, _status(stateful_set, pods, waits, revision))
    return Plan(changes, soonest(*(wait for wait in waits.values() if wait)))


def _next_changes(
    stateful_set: Object, by_ordinal: dict[int, Object], waits: dict[int, float | None], revision: str
) -> list[Change]:
    """What may be done now. With OrderedReady that is one thing, and nothing while an earlier pod isn't available."""
    spec = stateful_set["spec"]
    parallel = spec.get("podManagementPolicy") == "Parallel"
    start = int((spec.get("ordinals") or {}).get("start") or 0)
    wanted = range(start, start + int(spec.get("replicas", 1)))
    changes: list[Change] = []
    for ordinal in wanted:
        pod = by_ordinal.get(ordinal)
        if pod is None:
            changes += _pod_and_claims(stateful_set, ordinal, _revision_for(stateful_set, ordinal, revision))
        elif is_finished(pod) and not deletion_timestamp(pod):
            changes.append(Delete(PODS, pod))
        elif deletion_timestamp(pod) or waits[ordinal] != 0:
            if not parallel:
                return [*changes, *_unstick(stateful_set, pod, ordinal, revision)]
            continue
        else:
            continue
        if not parallel:
            return changes
    surplus = sorted((ordinal for ordinal in by_ordinal if ordinal not in wanted), reverse=True)
    for ordinal in surplus:
        pod = by_ordinal[ordinal]
        if not deletion_timestamp(pod):
            changes.append(Delete(PODS, pod))
        if not parallel:
            return changes
    return changes or _update(stateful_set, by_ordinal, waits, revision)


def _unstick(stateful_set: Object, pod: Object, ordinal: int, revision: str) -> list[Change]:
    """A pod that never became ready in an outdated revision is replaced, or the update could never go on."""
    outdated = labels(pod).get(REVISION_LABEL) != _revision_for(stateful_set, ordinal, revision)
    stuck = outdated and not is_ready(pod) and not deletion_timestamp(pod) and _rolls(stateful_set)
    return [Delete(PODS, pod)] if stuck else []


def _update(
    stateful_set: Object, by_ordinal: dict[int, Object], waits: dict[int, float | None], revision: str
) -> list[Change]:
    """Replace one outdated pod, the last first, when all above the partition are available."""
    if not _rolls(stateful_set):
        return []
    for ordinal in sorted(by_ordinal, reverse=True):
        pod = by_ordinal[ordinal]
        if ordinal < _partition(stateful_set):
            return []
        if labels(pod).get(REVISION_LABEL) != revision and not deletion_timestamp(pod):
            return [Delete(PODS, pod)]
        if waits[ordinal] != 0 or deletion_timestamp(pod):
            return []
    return []


def _rolls(stateful_set: Object) -> bool:
    strategy: Object = stateful_set["spec"].get("updateStrategy") or {}
    return str(strategy.get("type", "RollingUpdate")) == "RollingUpdate"


def _partition(stateful_set: Object) -> int:
    rolling = (stateful_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def _revision_for(stateful_set: Object, ordinal: int, revision: str) -> str:
    """The revision that a pod belongs to: below the partition the current one stays."""
    current = (stateful_set.get("status") or {}).get("currentRevision")
    return str(current) if current and ordinal < _partition(stateful_set) else revision


def _pod_and_claims(stateful_set: Object, ordinal: int, revision: str) -> list[Change]:
    spec = stateful_set["spec"]
    pod_name = f"{name(stateful_set)}-{ordinal}"
    more = {REVISION_LABEL: revision, NAME_LABEL: pod_name, INDEX_LABEL: str(ordinal)}
    pod = pod_from_template(stateful_set, spec.get("template") or {}, name=pod_name, labels=more)
    pod["spec"]["hostname"] = pod_name
    if spec.get("serviceName"):
        pod["spec"]["subdomain"] = spec["serviceName"]
    changes: list[Change] = []
    volumes = list(pod["spec"].get("volumes") or ())
    for template in spec.get("volumeClaimTemplates") or ():
        claim = _claim(stateful_set, template, pod_name)
        changes.append(Create(CLAIMS, claim))
        volumes = [volume for volume in volumes if volume.get("name") != name(template)]
        volumes.append({"name": name(template), "persistentVolumeClaim": {"claimName": name(claim)}})
    if volumes:
        pod["spec"]["volumes"] = volumes
    return [*changes, Create(PODS, pod)]


def _claim(stateful_set: Object, template: Object, pod_name: str) -> Object:
    meta = template.get("metadata") or {}
    selector = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    metadata: Object = {"name": f"{name(template)}-{pod_name}", "namespace": namespace(stateful_set)}
    metadata["labels"] = {**(meta.get("labels") or {}), **selector}
    if meta.get("annotations"):
        metadata["annotations"] = dict(meta["annotations"])
    spec = deep_copy(template.get("spec") or {})
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _ordinal(stateful_set: Object, pod: Object) -> int | None:
    suffix = name(pod).removeprefix(f"{name(stateful_set)}-")
    return int(suffix) if suffix.isdigit() and suffix != name(pod) else None


def _status(stateful_set: Object, pods: Sequence[Object], waits: dict[int, float | None], revision: str) -> Object:
    before = stateful_set.get("status") or {}
    current = before.get("currentRevision") or revision
    running = [pod for pod in pods if phase(pod) in ("Pending", "Running")]
    live = [pod for pod in running if not deletion_timestamp(pod)]
    updated = [pod for pod in live if labels(pod).get(REVISION_LABEL) == revision]
    ready = [pod for pod in running if is_ready(pod)]
    replicas = int(stateful_set["spec"].get("replicas", 1))
    if current != revision and len(updated) == replicas == len(running) == len(ready):
        current = revision
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": sum(1 for pod in live if labels(pod).get(REVISION_LABEL) == current),
        "updatedReplicas": len(updated),
    }
    return {
        "observedGeneration": generation(stateful_set),
        "replicas": len(running),
        **without_zeros(counts),
        "availableReplicas": sum(1 for wait in waits.values() if wait == 0),
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }
