"""Scheduling: which node takes a pod, and what is said when none does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, pod, status_of, summary

from headwater.sim.stages import fitting, scheduler


def node(name: str, *, taints: Any = (), unschedulable: bool = False, ready: bool = True, **has: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"zone": name[-1]}},
        "spec": {"taints": list(taints), "unschedulable": unschedulable},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10", **has},
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def waiting(**spec: Any) -> Obj:
    made = pod(node="", phase="Pending")
    requests = spec.pop("requests", None)
    if requests:
        made["spec"]["containers"][0]["resources"] = {"requests": requests}
    made["spec"].update(spec)
    return made


def affinity(operator: str, *values: str, fields: bool = False) -> Obj:
    key = "metadata.name" if fields else "zone"
    expression: Obj = {"key": key, "operator": operator}
    if values:
        expression["values"] = list(values)
    term = {"matchFields" if fields else "matchExpressions": [expression]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"nodeAffinity": required}


TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
FITS: dict[str, tuple[Obj, list[Obj], str]] = {
    "any node": (waiting(), [node("n1")], "n1"),
    "the emptier node": (waiting(), [node("n1", pods="20"), node("n2", pods="200")], "n2"),
    "by name among equals": (waiting(), [node("n2"), node("n1")], "n1"),
    "a node selector": (waiting(nodeSelector={"zone": "2"}), [node("n1"), node("n2")], "n2"),
    "affinity in": (waiting(affinity=affinity("In", "2", "3")), [node("n1"), node("n2")], "n2"),
    "affinity not in": (waiting(affinity=affinity("NotIn", "1")), [node("n1"), node("n2")], "n2"),
    "affinity exists": (waiting(affinity=affinity("Exists")), [node("n1")], "n1"),
    "affinity greater": (waiting(affinity=affinity("Gt", "1")), [node("n1"), node("n2")], "n2"),
    "affinity by node name": (waiting(affinity=affinity("In", "n2", fields=True)), [node("n1"), node("n2")], "n2"),
    "a tolerated taint": (
        waiting(tolerations=[{"key": "k", "operator": "Exists"}]),
        [node("n1", taints=[TAINT])],
        "n1",
    ),
    "an equal toleration": (waiting(tolerations=[{"key": "k", "value": "v"}]), [node("n1", taints=[TAINT])], "n1"),
    "a taint that only prefers": (waiting(), [node("n1", taints=[{**TAINT, "effect": "PreferNoSchedule"}])], "n1"),
    "a cordon is tolerated": (
        waiting(tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]),
        [node("n1", unschedulable=True)],
        "n1",
    ),
}


@pytest.mark.parametrize(("made", "nodes", "expected"), FITS.values(), ids=FITS.keys())
def test_a_pod_goes_to_a_node_that_fits(made: Obj, nodes: list[Obj], expected: str) -> None:
    """Selectors, affinity and taints are kept; the node that would be least full wins."""
    assert summary(
        scheduler.plan(made, [fitting.NodeFacts.of(one) for one in nodes], scheduler.Usage(), NOW).changes
    ) == [("bind", "p", expected)]


REFUSALS: dict[str, tuple[Obj, list[Obj], str]] = {
    "no nodes": (waiting(), [], "no nodes available to schedule pods"),
    "too little": (waiting(requests={"cpu": "5"}), [node("n1")], "0/1 nodes are available: 1 Insufficient cpu."),
    "nothing of it": (waiting(requests={"gpu": "1"}), [node("n1")], "0/1 nodes are available: 1 Insufficient gpu."),
    "no slots": (waiting(), [node("n1", pods="0")], "0/1 nodes are available: 1 Too many pods."),
    "several reasons": (
        waiting(nodeSelector={"zone": "9"}),
        [node("n1"), node("n2", taints=[TAINT]), node("n3", unschedulable=True), node("n4")],
        "0/4 nodes are available: 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable, "
        "2 node(s) didn't match Pod's node affinity/selector.",
    ),
    "not ready": (waiting(), [node("n1", ready=False)], "0/1 nodes are available: 1 node(s) were not ready."),
    "an empty term": (
        waiting(
            affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}}
        ),
        [node("n1")],
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ),
    "another effect": (
        waiting(tolerations=[{"key": "k", "operator": "Exists", "effect": "NoExecute"}]),
        [node("n1", taints=[TAINT])],
        "0/1 nodes are available: 1 node(s) had untolerated taint {k: v}.",
    ),
    "another key": (
        waiting(tolerations=[{"key": "other", "operator": "Exists"}]),
        [node("n1", taints=[TAINT])],
        "0/1 nodes are available: 1 node(s) had untolerated taint {k: v}.",
    ),
}


@pytest.mark.parametrize(("made", "nodes", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_pod_that_fits_nowhere_says_why(made: Obj, nodes: list[Obj], message: str) -> None:
    """In the words of Kubernetes' scheduler."""
    status = status_of(
        scheduler.plan(made, [fitting.NodeFacts.of(one) for one in nodes], scheduler.Usage(), NOW).changes
    )
    assert status["conditions"][0] == {
        "type": "PodScheduled",
        "status": "False",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
        "reason": "Unschedulable",
        "message": message,
    }


@pytest.mark.parametrize(
    "made",
    [
        pod(node="n1"),
        {**waiting(), "metadata": {"name": "p", "deletionTimestamp": ago(0)}},
        pod(node="", phase="Failed"),
    ],
    ids=["placed", "leaving", "finished"],
)
def test_some_pods_need_no_node(made: Obj) -> None:
    """Nothing is planned for them."""
    assert scheduler.plan(made, [fitting.NodeFacts.of(node("n1"))], scheduler.Usage(), NOW).changes == ()


def test_a_gated_pod_waits() -> None:
    """Until its gates are gone."""
    gated = waiting(schedulingGates=[{"name": "g"}])
    assert scheduler.plan(gated, [fitting.NodeFacts.of(node("n1"))], scheduler.Usage(), NOW).changes == ()


def test_usage_follows_pods() -> None:
    """A pod counts once on its node, and no more when it finished or went."""
    usage = scheduler.Usage()
    placed = waiting(requests={"cpu": "500m"}, nodeName="n1")
    usage.put(placed)
    usage.put(placed)
    assert usage.of("n1") == {"cpu": Decimal("0.5"), "pods": Decimal(1)}
    usage.put({**placed, "spec": {**placed["spec"], "nodeName": "n2"}})
    assert usage.of("n1")["cpu"] == 0
    usage.put({**placed, "status": {"phase": "Succeeded"}})
    assert usage.of("n2")["cpu"] == 0
    usage.remove(placed)
    assert usage.of("elsewhere") == {}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [{}, {"resources": {"requests": {"cpu": "1"}}}]}, {"cpu": "1"}),
        ({"containers": [{"resources": {"limits": {"cpu": "1"}}}]}, {"cpu": "1"}),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}}]}, {"cpu": "1"}),
        (
            {
                "containers": [{"resources": {"requests": {"cpu": "1"}}}],
                "initContainers": [{"resources": {"requests": {"cpu": "3", "memory": "1Gi"}}}],
            },
            {"cpu": "3", "memory": str(2**30)},
        ),
        (
            {
                "containers": [{"resources": {"requests": {"cpu": "1"}}}],
                "initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}}],
                "overhead": {"cpu": "500m"},
            },
            {"cpu": "3.5"},
        ),
    ],
    ids=["sum", "limits", "requests win", "init containers", "sidecars and overhead"],
)
def test_requests(spec: Obj, expected: dict[str, str]) -> None:
    """What a pod needs, as the scheduler counts it."""
    assert fitting.requests(spec) == {**{key: Decimal(value) for key, value in expected.items()}, "pods": Decimal(1)}
