"""ReplicaSet: the number of pods, which go first, and the status."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, owner, pod, status_of, template, without_status

from headwater.sim.stages import replicaset

CREATE = ("create", "pods", "web-")


def delete(name: str) -> tuple[str, str, str]:
    return ("delete", "pods", name)


CASES: dict[str, tuple[int, list[Obj], list[Any]]] = {
    "missing pods are made": (2, [], [CREATE, CREATE]),
    "enough is enough": (1, [pod("a", ready=True)], []),
    "finished pods don't count": (1, [pod("a", phase="Failed")], [CREATE]),
    "leaving pods don't count": (1, [pod("a", ready=True, deletionTimestamp=ago(0))], [CREATE]),
    "unassigned pods go first": (1, [pod("a", ready=True), pod("b", node="", phase="Pending")], [delete("b")]),
    "unready pods go before ready ones": (1, [pod("a", ready=True), pod("b", ready=False)], [delete("b")]),
    "young pods go before old ones": (
        1,
        [pod("a", ready=True), pod("b", ready=True, creationTimestamp=ago(5))],
        [delete("b")],
    ),
    "zero deletes all": (0, [pod("a", ready=True)], [delete("a")]),
}


@pytest.mark.parametrize(("replicas", "pods", "expected"), CASES.values(), ids=CASES.keys())
def test_pods_follow_the_number_of_replicas(replicas: int, pods: list[Obj], expected: list[Any]) -> None:
    """Creations and deletions."""
    replica_set = owner("ReplicaSet", {"replicas": replicas, "template": template()})
    assert without_status(replicaset.plan(replica_set, pods, NOW).changes) == expected


def test_pods_carry_template_and_owner() -> None:
    """A pod is the template's, in the owner's namespace, with a controller reference."""
    replica_set = owner("ReplicaSet", {"replicas": 1, "template": {**template(app="x"), "spec": {"a": 1}}})
    created: Any = replicaset.plan(replica_set, [], NOW).changes[0]
    assert created.obj == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "d",
            "generateName": "web-",
            "labels": {"app": "x"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web",
                    "uid": "uid-web",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {"a": 1},
    }


def test_a_replica_set_on_its_way_out_makes_no_pods() -> None:
    """The garbage collector wouldn't get to an end."""
    replica_set = owner("ReplicaSet", {"replicas": 1, "template": template()}, deletionTimestamp=ago(0))
    assert without_status(replicaset.plan(replica_set, [], NOW).changes) == []


def test_status_counts_pods() -> None:
    """Ready pods are available once minReadySeconds are over; the plan comes back for that."""
    spec = {"replicas": 3, "template": template(app="x"), "minReadySeconds": 100}
    pods = [pod("a", ready=True, labels={"app": "x"}), pod("b", ready=False), pod("c", ready=None)]
    plan = replicaset.plan(owner("ReplicaSet", spec), pods, NOW)
    assert status_of(plan.changes) == {
        "replicas": 3,
        "fullyLabeledReplicas": 1,
        "readyReplicas": 1,
        "observedGeneration": 1,
    }
    assert plan.again_in_seconds == 40


def test_an_unchanged_status_is_not_written() -> None:
    """A plan in the wanted state is empty."""
    replica_set = owner("ReplicaSet", {"replicas": 0, "template": template()}, {"replicas": 0, "observedGeneration": 1})
    assert replicaset.plan(replica_set, [], NOW).changes == []
