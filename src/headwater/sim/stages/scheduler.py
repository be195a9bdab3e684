"""The scheduler: puts each pod on the node that has most room left, or says why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from headwater.machinery.objects import Object, deletion_timestamp, uid
from headwater.machinery.timestamps import format_time
from headwater.sim.changes import Bind, Emit, Plan, status_change
from headwater.sim.resources import PODS
from headwater.sim.stages import fitting
from headwater.sim.stages.pods import is_finished, set_condition

_ZERO = Decimal(0)


class Usage:
    """What pods ask for on each node, kept up to date pod by pod."""

    def __init__(self) -> None:
        self._of_pod: dict[str, tuple[str, fitting.Resources]] = {}
        self._of_node: dict[str, fitting.Resources] = {}

    def put(self, pod: Object) -> None:
        """Take in the newest state of a pod."""
        node = str((pod.get("spec") or {}).get("nodeName") or "")
        if not node or is_finished(pod):
            self.remove(pod)
            return
        known = self._of_pod.get(uid(pod))
        if known is not None and known[0] == node:
            return
        self.remove(pod)
        wanted = fitting.requests(pod["spec"])
        self._of_pod[uid(pod)] = (node, wanted)
        used = self._of_node.setdefault(node, {})
        for key, amount in wanted.items():
            used[key] = used.get(key, _ZERO) + amount

    def remove(self, pod: Object) -> None:
        """Take a pod off its node."""
        known = self._of_pod.pop(uid(pod), None)
        if known is None:
            return
        used = self._of_node[known[0]]
        for key, amount in known[1].items():
            used[key] -= amount

    def of(self, node: str) -> Mapping[str, Decimal]:
        """What is asked for on a node."""
        return self._of_node.get(node, {})


def plan(pod: Object, nodes: Sequence[fitting.NodeFacts], usage: Usage, now: datetime) -> Plan:
    """Changes for a pod that has no node yet: a binding, or the condition that says why there is none."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName") or deletion_timestamp(pod) or is_finished(pod) or spec.get("schedulingGates"):
        return Plan()
    wanted = fitting.requests(spec)
    reasons: Counter[str] = Counter()
    best: tuple[Decimal, str] | None = None
    for node in nodes:
        why = _why_not(spec, wanted, node, usage)
        if why:
            reasons[why] += 1
            continue
        score = (_load(wanted, node, usage), node.name)
        best = score if best is None or score < best else best
    if best is not None:
        return Plan([Bind(PODS, pod, best[1])])
    status = dict(pod.get("status") or {})
    message = unschedulable_message(len(nodes), reasons)
    status["conditions"] = set_condition(
        status.get("conditions") or (), "PodScheduled", "False", "Unschedulable", message, format_time(now)
    )
    status.setdefault("phase", "Pending")
    changes = status_change(PODS, pod, status)
    if changes:
        changes.append(Emit(pod, "FailedScheduling", message, "default-scheduler", warning=True))
    return Plan(changes)


def _why_not(spec: Object, wanted: fitting.Resources, facts: fitting.NodeFacts, usage: Usage) -> str:
    """Why a node can't take the pod, in the scheduler's words; "" when it can."""
    if facts.cordoned and not _tolerates_cordon(spec):
        return "node(s) were unschedulable"
    taint = fitting.untolerated(spec, facts.node)
    if taint is not None:
        return f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value', '')}}}"
    if not fitting.node_matches(spec, facts.node):
        return "node(s) didn't match Pod's node affinity/selector"
    if not facts.ready:
        return "node(s) were not ready"
    missing = fitting.insufficient(wanted, facts.allocatable, usage.of(facts.name))
    if missing == "pods":
        return "Too many pods"
    return f"Insufficient {missing}" if missing else ""


def _tolerates_cordon(spec: Object) -> bool:
    cordoned = {"spec": {"taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]}}
    return fitting.tolerates(spec, cordoned)


def _load(wanted: fitting.Resources, facts: fitting.NodeFacts, usage: Usage) -> Decimal:
    """How full the node would be: the mean of cpu, memory and pod slots."""
    has, used = facts.allocatable, usage.of(facts.name)
    shares = [
        (used.get(key, _ZERO) + wanted.get(key, _ZERO)) / has[key]
        for key in ("cpu", "memory", "pods")
        if has.get(key, _ZERO) > _ZERO
    ]
    return sum(shares, _ZERO) / max(len(shares), 1)


def unschedulable_message(nodes: int, reasons: Mapping[str, int]) -> str:
    """The scheduler's sentence: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`"""
    if not nodes:
        return "no nodes available to schedule pods"
    parts: Iterable[str] = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f"0/{nodes} nodes are available: {', '.join(parts)}."
