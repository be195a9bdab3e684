"""Deployment: ReplicaSets by template, rolling updates within their limits, revisions and conditions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sim.stages.things import NOW, Obj, ago, owner, status_of, summary, template, without_status

from headwater.sim.changes import Patch
from headwater.sim.stages import deployment, rollout
from headwater.sim.stages.pods import condition, template_hash

TEMPLATE = template()
DIGEST = template_hash(TEMPLATE)


def dep(replicas: int = 4, status: Obj | None = None, **spec: Any) -> Obj:
    return owner("Deployment", {"replicas": replicas, "template": TEMPLATE, "selector": {}, **spec}, status)


def replica_set(name: str, size: int, available: int | None = None, *, revision: int = 1, current: bool = False) -> Obj:
    available = size if available is None else available
    status = {"replicas": size, "availableReplicas": available, "readyReplicas": available}
    labels = {deployment.HASH_LABEL: DIGEST if current else name}
    return owner(
        "ReplicaSet",
        {"replicas": size},
        status,
        name=name,
        labels=labels,
        annotations={deployment.REVISION: str(revision)},
        creationTimestamp=ago(100 - revision),
    )


def test_the_first_replica_set() -> None:
    """Named after the template's hash, which its labels and selector carry; kubectl's annotation isn't copied."""
    made = owner(
        "Deployment",
        {"replicas": 2, "template": TEMPLATE, "selector": {"matchLabels": {"app": "web"}}, "minReadySeconds": 3},
        annotations={"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
    )
    change: Any = deployment.plan(made, [], NOW).changes[0]
    assert change.obj["metadata"]["name"] == f"web-{DIGEST}"
    assert change.obj["metadata"]["annotations"] == {"a": "b", deployment.REVISION: "1"}
    assert change.obj["spec"] == {
        "replicas": 2,
        "minReadySeconds": 3,
        "selector": {"matchLabels": {"app": "web", "pod-template-hash": DIGEST}},
        "template": {**TEMPLATE, "metadata": {"labels": {"app": "web", "pod-template-hash": DIGEST}}},
    }


ROLLS: dict[str, tuple[Obj, Obj | None, list[Obj], int, dict[str, int]]] = {
    "a new set starts within the surge": (dep(), None, [replica_set("old", 4)], 1, {"old": 4}),
    "what may be missing is taken from the old": (
        dep(),
        replica_set("new", 1, 0),
        [replica_set("old", 4)],
        1,
        {"old": 3},
    ),
    "the new set grows into the room": (dep(), replica_set("new", 1, 1), [replica_set("old", 3)], 2, {"old": 3}),
    "pods that don't work are taken first": (
        dep(),
        replica_set("new", 1, 0),
        [replica_set("good", 3), replica_set("bad", 1, 0, revision=9)],
        1,
        {"good": 3, "bad": 0},
    ),
    "the end": (dep(), replica_set("new", 4), [replica_set("old", 1)], 4, {"old": 0}),
    "scaling up": (dep(6), replica_set("new", 4), [], 6, {}),
    "scaling down": (dep(2), replica_set("new", 4), [], 2, {}),
    "recreate waits for the old pods": (
        dep(strategy={"type": "Recreate"}),
        None,
        [replica_set("old", 4)],
        0,
        {"old": 0},
    ),
    "recreate starts when they are gone": (
        dep(strategy={"type": "Recreate"}),
        replica_set("new", 0),
        [replica_set("old", 0)],
        4,
        {"old": 0},
    ),
    "paused scales in place": (dep(6, paused=True), None, [replica_set("old", 4)], 0, {"old": 6}),
    "paused with a new set": (dep(6, paused=True), replica_set("new", 2), [replica_set("old", 1)], 5, {"old": 1}),
}


@pytest.mark.parametrize(("obj", "new", "old", "size", "old_sizes"), ROLLS.values(), ids=ROLLS.keys())
def test_sizes(obj: Obj, new: Obj | None, old: list[Obj], size: int, old_sizes: dict[str, int]) -> None:
    """The next sizes under each strategy (25 % of four is one)."""
    assert rollout.sizes(obj["spec"], new, old) == rollout.Sizes(size, old_sizes)


@pytest.mark.parametrize(
    ("rolling", "replicas", "limits"),
    [
        ({}, 4, (1, 1)),
        ({}, 3, (1, 0)),
        ({"maxSurge": 0, "maxUnavailable": 0}, 3, (0, 1)),
        ({"maxSurge": "100%", "maxUnavailable": "50%"}, 5, (5, 2)),
        ({"maxSurge": 2, "maxUnavailable": 9}, 5, (2, 5)),
        ({}, 1, (1, 0)),
    ],
)
def test_limits(rolling: Obj, replicas: int, limits: tuple[int, int]) -> None:
    """Percentages are rounded up for surge, down for unavailable; both zero means one unavailable."""
    assert rollout.limits({"replicas": replicas, "strategy": {"rollingUpdate": rolling}}) == limits


@given(st.integers(0, 12), st.integers(0, 4), st.integers(0, 4), st.integers(0, 12), st.randoms(use_true_random=False))
def test_a_rollout_keeps_its_limits_and_ends(
    replicas: int, surge: int, unavailable: int, old_size: int, chance: Any
) -> None:
    """However pods become available, there are never too many or too few, and all end in the new set."""
    spec = {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
    surge, unavailable = rollout.limits(spec)
    old = replica_set("old", old_size)
    new: Obj | None = None
    for _ in range(200):
        sizes = rollout.sizes(spec, new, [old])
        new = new or replica_set("new", 0)
        grew = sizes.new > new["spec"]["replicas"]
        before = min(old["status"]["availableReplicas"] + new["status"]["availableReplicas"], replicas)
        for one, size in ((new, sizes.new), (old, sizes.old["old"])):
            one["spec"]["replicas"] = one["status"]["replicas"] = size
            one["status"]["availableReplicas"] = min(one["status"]["availableReplicas"], size)
        total, available = (
            sizes.new + sizes.old["old"],
            old["status"]["availableReplicas"] + new["status"]["availableReplicas"],
        )
        assert not grew or total <= replicas + surge
        assert available >= min(before, replicas - unavailable)
        if new["status"]["availableReplicas"] < sizes.new:
            new["status"]["availableReplicas"] += chance.random() < 0.7
        elif (sizes.new, sizes.old["old"]) == (replicas, 0):
            break
    assert (new["spec"]["replicas"], old["spec"]["replicas"]) == (replicas, 0)
    final = rollout.sizes(spec, new, [old])
    assert (final.new, final.old["old"]) == (replicas, 0), "and it stays so"


def test_a_rollback_becomes_the_newest_revision() -> None:
    """The set whose template is wanted again gets the highest number, and the Deployment shows it."""
    new, old = replica_set("a", 4, revision=1, current=True), replica_set("b", 0, revision=2)
    changes = without_status(deployment.plan(dep(), [new, old], NOW).changes)
    assert ("patch", "replicasets", "a", {"metadata": {"annotations": {deployment.REVISION: "3"}}}) in changes
    assert ("patch", "deployments", "web", {"metadata": {"annotations": {deployment.REVISION: "1"}}}) in changes


def test_old_sets_beyond_the_history_limit_go() -> None:
    """The oldest empty ones."""
    sets = [
        replica_set("now", 4, revision=9, current=True),
        *(replica_set(f"r{n}", 0, revision=n) for n in range(1, 5)),
    ]
    changes = without_status(deployment.plan(dep(revisionHistoryLimit=2), sets, NOW).changes)
    assert [one for one in changes if one[0] == "delete"] == [
        ("delete", "replicasets", "r1"),
        ("delete", "replicasets", "r2"),
    ]


def test_nothing_is_done_for_a_deployment_that_is_going() -> None:
    """The garbage collector takes its ReplicaSets."""
    gone = dep()
    gone["metadata"]["deletionTimestamp"] = ago(0)
    assert deployment.plan(gone, [], NOW).changes == ()


def settled(obj: Obj, sets: list[Obj], now: Any = NOW) -> Obj:
    """The Deployment with the status that its plan writes."""
    for change in deployment.plan(obj, sets, now).changes:
        if isinstance(change, Patch) and change.subresource == "status":
            status = {**obj["status"], **change.body["status"]}
            return {**obj, "status": {key: value for key, value in status.items() if value is not None}}
    return obj


def test_status_of_a_finished_rollout() -> None:
    """All counts, Available and Progressing True; planning again changes nothing."""
    made = dep()
    made["metadata"]["annotations"] = {deployment.REVISION: "1"}
    new = replica_set("web-x", 4, current=True)
    done = settled(made, [new])
    text = "2026-01-01T12:00:00Z"
    assert done["status"] == {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 4,
        "readyReplicas": 4,
        "availableReplicas": 4,
        "conditions": [
            {
                "type": "Available",
                "status": "True",
                "lastUpdateTime": text,
                "lastTransitionTime": text,
                "reason": "MinimumReplicasAvailable",
                "message": "Deployment has minimum availability.",
            },
            {
                "type": "Progressing",
                "status": "True",
                "lastUpdateTime": text,
                "lastTransitionTime": text,
                "reason": "NewReplicaSetAvailable",
                "message": 'ReplicaSet "web-x" has successfully progressed.',
            },
        ],
    }
    assert summary(deployment.plan(done, [new], NOW + timedelta(hours=1)).changes) == []


def test_a_rollout_without_progress_runs_into_its_deadline() -> None:
    """Progressing turns False after progressDeadlineSeconds without a change, and True again when pods come."""
    new = replica_set("web-x", 4, 0, current=True)
    made = settled(dep(progressDeadlineSeconds=60), [new], NOW)
    assert condition(made, "Progressing")["reason"] == "ReplicaSetUpdated"  # type: ignore[index]
    assert condition(made, "Available")["status"] == "False"  # type: ignore[index]
    later = NOW + timedelta(seconds=30)
    assert deployment.plan(made, [new], later).again_in_seconds == 30
    late = settled(made, [new], NOW + timedelta(seconds=60))
    assert condition(late, "Progressing")["reason"] == "ProgressDeadlineExceeded"  # type: ignore[index]
    assert deployment.plan(late, [new], NOW + timedelta(seconds=90)).again_in_seconds is None
    recovered = settled(late, [replica_set("web-x", 4, 2, current=True)], NOW + timedelta(seconds=90))
    assert condition(recovered, "Progressing")["reason"] == "ReplicaSetUpdated"  # type: ignore[index]


def test_pods_that_fail_later_start_no_rollout() -> None:
    """Available follows the pods; Progressing stays as the rollout ended."""
    made = dep()
    done = settled(made, [replica_set("web-x", 4, current=True)])
    hurt = settled(done, [replica_set("web-x", 4, 1, current=True)])
    assert condition(hurt, "Progressing")["reason"] == "NewReplicaSetAvailable"  # type: ignore[index]
    assert condition(hurt, "Available")["status"] == "False"  # type: ignore[index]
    assert hurt["status"]["unavailableReplicas"] == 3


def test_a_paused_deployment_without_a_set_says_so() -> None:
    """No ReplicaSet is made."""
    plan = deployment.plan(dep(paused=True), [], NOW)
    assert without_status(plan.changes) == []
    assert status_of(plan.changes)["conditions"][1]["reason"] == "DeploymentPaused"
