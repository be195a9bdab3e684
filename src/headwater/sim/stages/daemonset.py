"""DaemonSet: one pod on each node that takes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deletion_timestamp, generation, labels, name
from headwater.sim.changes import Change, Create, Delete, Plan, soonest, status_change
from headwater.sim.resources import DAEMON_SETS, PODS
from headwater.sim.stages import fitting
from headwater.sim.stages.pods import (
    is_finished,
    is_ready,
    pod_from_template,
    seconds_until_available,
    template_hash,
    without_zeros,
)
from headwater.sim.stages.rollout import scaled

REVISION_LABEL = "controller-revision-hash"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


def plan(daemon_set: Object, pods: Sequence[Object], nodes: Sequence[Object], now: datetime) -> Plan:
    """Changes for a DaemonSet, the pods that it controls and all nodes."""
    if deletion_timestamp(daemon_set):
        return Plan()
    spec = daemon_set.get("spec") or {}
    digest = template_hash(spec.get("template") or {})
    wanted = {name(node) for node in nodes if _takes(daemon_set, node)}
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        by_node.setdefault(_node_of(pod), []).append(pod)
    changes: list[Change] = [Create(PODS, _pod(daemon_set, node, digest)) for node in sorted(wanted - by_node.keys())]
    serving = []
    for node, there in by_node.items():
        there.sort(key=lambda pod: (bool(deletion_timestamp(pod)), is_finished(pod), name(pod)))
        if node in wanted and not is_finished(there[0]):
            serving.append(there.pop(0))
        changes += [Delete(PODS, pod) for pod in there if not deletion_timestamp(pod)]
    waits = {name(pod): seconds_until_available(pod, int(spec.get("minReadySeconds") or 0), now) for pod in pods}
    if not changes:
        changes += _replacements(daemon_set, serving, waits, digest)
    status = _status(daemon_set, wanted, by_node, serving, waits, digest)
    return Plan([*changes, *status_change(DAEMON_SETS, daemon_set, status)], soonest(*(w for w in waits.values() if w)))


def _takes(daemon_set: Object, node: Object) -> bool:
    template = _with_tolerations((daemon_set["spec"].get("template") or {}).get("spec") or {})
    return fitting.node_matches(template, node) and fitting.tolerates(template, node)


def _with_tolerations(pod_spec: Object) -> Object:
    own = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TOLERATED]
    return {**pod_spec, "tolerations": [*(pod_spec.get("tolerations") or ()), *own]}


def _pod(daemon_set: Object, node: str, digest: str) -> Object:
    template = daemon_set["spec"].get("template") or {}
    more = {REVISION_LABEL: digest, "pod-template-generation": str(generation(daemon_set) or 1)}
    pod = pod_from_template(daemon_set, template, generate_name=f"{name(daemon_set)}-", labels=more)
    pod["spec"] = _with_tolerations(pod["spec"])
    pod["spec"]["nodeName"] = node
    return pod


def _node_of(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _replacements(
    daemon_set: Object, serving: Sequence[Object], waits: dict[str, float | None], digest: str
) -> list[Change]:
    """Outdated pods that may be taken down now: those that don't work, and others while few enough are missing."""
    strategy = daemon_set["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    outdated = [pod for pod in serving if labels(pod).get(REVISION_LABEL) != digest and not deletion_timestamp(pod)]
    broken = [pod for pod in outdated if waits[name(pod)] != 0]
    maximum = scaled((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(serving), round_up=True)
    missing = sum(1 for pod in serving if waits[name(pod)] != 0 or deletion_timestamp(pod))
    working = [pod for pod in outdated if waits[name(pod)] == 0]
    return [Delete(PODS, pod) for pod in (*broken, *working[: max(maximum - missing, 0)])]


def _status(
    daemon_set: Object,
    wanted: set[str],
    by_node: dict[str, list[Object]],
    serving: Sequence[Object],
    waits: dict[str, float | None],
    digest: str,
) -> Object:
    available = sum(1 for pod in serving if waits[name(pod)] == 0)
    counts = {
        "updatedNumberScheduled": sum(1 for pod in serving if labels(pod).get(REVISION_LABEL) == digest),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
    }
    return {
        "currentNumberScheduled": len(serving),
        "numberMisscheduled": sum(1 for node in by_node if node not in wanted),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(1 for pod in serving if is_ready(pod)),
        "observedGeneration": generation(daemon_set),
        **without_zeros(counts),
    }
