"""DaemonSet: a pod for each node that takes it, and its replacement."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, owner, pod, status_of, template, without_status

from headwater.sim.stages import daemonset
from headwater.sim.stages.pods import template_hash

DIGEST = template_hash(template())


def ds(**spec: Any) -> Obj:
    return owner("DaemonSet", {"template": template(), **spec})


def node(name: str, *, taints: list[Obj] | None = None, unschedulable: bool = False, **labels: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints or [], "unschedulable": unschedulable},
    }


def on(where: str, *, ready: bool = True, revision: str = DIGEST, name: str = "", **more: Any) -> Obj:
    return pod(name or f"p-{where}", ready=ready, node=where, labels={daemonset.REVISION_LABEL: revision}, **more)


NODES = [node("n1"), node("n2")]
TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
CREATE = ("create", "pods", "web-")
CASES: dict[str, tuple[Obj, list[Obj], list[Obj], list[Any]]] = {
    "one for each node": (ds(), [], NODES, [CREATE, CREATE]),
    "only where one is missing": (ds(), [on("n1")], NODES, [CREATE]),
    "not on tainted nodes": (ds(), [], [node("n1", taints=[TAINT])], []),
    "on cordoned nodes": (ds(), [], [node("n1", unschedulable=True)], [CREATE]),
    "off nodes that don't take it": (ds(), [on("n1")], [node("n1", taints=[TAINT])], [("delete", "pods", "p-n1")]),
    "off nodes that are gone": (ds(), [on("n9")], [], [("delete", "pods", "p-n9")]),
    "one is enough": (ds(), [on("n1", name="a"), on("n1", name="b")], [node("n1")], [("delete", "pods", "b")]),
    "a finished pod is removed": (ds(), [on("n1", phase="Failed")], [node("n1")], [("delete", "pods", "p-n1")]),
    "outdated pods one by one": (
        ds(),
        [on("n1", revision="old"), on("n2", revision="old")],
        NODES,
        [("delete", "pods", "p-n1")],
    ),
    "none while one is missing": (ds(), [on("n1", ready=False), on("n2", revision="old")], NODES, []),
    "outdated pods that don't work at once": (
        ds(),
        [on("n1", ready=False, revision="old"), on("n2", ready=False, revision="old")],
        NODES,
        [("delete", "pods", "p-n1"), ("delete", "pods", "p-n2")],
    ),
    "by hand only": (ds(updateStrategy={"type": "OnDelete"}), [on("n1", revision="old")], [node("n1")], []),
    "leaving pods are waited for": (ds(), [on("n1", deletionTimestamp=ago(1))], [node("n1")], []),
}


@pytest.mark.parametrize(("obj", "pods", "nodes", "expected"), CASES.values(), ids=CASES.keys())
def test_pods(obj: Obj, pods: list[Obj], nodes: list[Obj], expected: list[Any]) -> None:
    """What is made and deleted."""
    assert without_status(daemonset.plan(obj, pods, nodes, NOW).changes) == expected


def test_a_pod_is_bound_to_its_node() -> None:
    """The scheduler isn't asked, and what a node may suffer from is tolerated."""
    created: Any = daemonset.plan(ds(), [], [node("n1")], NOW).changes[0]
    assert created.obj["spec"]["nodeName"] == "n1"
    assert len(created.obj["spec"]["tolerations"]) == 6


def test_status() -> None:
    """Counts over wanted nodes; pods elsewhere are misscheduled."""
    status = status_of(daemonset.plan(ds(), [on("n1"), on("n2", ready=False), on("n9")], NODES, NOW).changes)
    assert status == {
        "currentNumberScheduled": 2,
        "desiredNumberScheduled": 2,
        "numberMisscheduled": 1,
        "numberReady": 1,
        "observedGeneration": 1,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
        "numberUnavailable": 1,
    }


def test_a_set_on_its_way_out_is_left_alone() -> None:
    """The garbage collector takes its pods."""
    obj = ds()
    obj["metadata"]["deletionTimestamp"] = ago(0)
    assert daemonset.plan(obj, [], NODES, NOW).changes == ()
