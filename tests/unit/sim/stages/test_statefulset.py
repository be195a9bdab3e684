"""StatefulSet: order of creation, update and removal, claims and status."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, owner, pod, status_of, template, without_status

from headwater.sim.stages import statefulset
from headwater.sim.stages.pods import template_hash

REVISION = f"web-{template_hash(template())}"


def sts(replicas: int = 3, status: Obj | None = None, **spec: Any) -> Obj:
    return owner("StatefulSet", {"replicas": replicas, "template": template(), **spec}, status)


def member(ordinal: int, *, ready: bool | None = True, revision: str = REVISION, **more: Any) -> Obj:
    return pod(f"web-{ordinal}", ready=ready, labels={statefulset.REVISION_LABEL: revision}, **more)


def create(ordinal: int) -> tuple[str, str, str]:
    return ("create", "pods", f"web-{ordinal}")


def delete(ordinal: int) -> tuple[str, str, str]:
    return ("delete", "pods", f"web-{ordinal}")


PARALLEL = {"podManagementPolicy": "Parallel"}
PARTITION = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
CASES: dict[str, tuple[Obj, list[Obj], list[Any]]] = {
    "the first pod": (sts(), [], [create(0)]),
    "the second when the first is ready": (sts(), [member(0)], [create(1)]),
    "nothing while the first isn't ready": (sts(), [member(0, ready=False)], []),
    "nothing while one is leaving": (sts(), [member(0, deletionTimestamp=ago(1))], []),
    "a gap is filled first": (sts(), [member(0), member(2)], [create(1)]),
    "all at once in parallel": (sts(**PARALLEL), [member(1, ready=False)], [create(0), create(2)]),
    "the last is removed first": (sts(1), [member(0), member(1), member(2)], [delete(2)]),
    "all surplus at once in parallel": (sts(1, **PARALLEL), [member(0), member(1), member(2)], [delete(2), delete(1)]),
    "one is leaving already": (sts(1), [member(0), member(1, deletionTimestamp=ago(1))], []),
    "a finished pod is replaced": (sts(), [member(0, phase="Failed")], [delete(0)]),
    "the last is updated first": (sts(2), [member(0, revision="old"), member(1, revision="old")], [delete(1)]),
    "then the one before it": (sts(2), [member(0, revision="old"), member(1)], [delete(0)]),
    "below the partition nothing is updated": (
        sts(2, **PARTITION),
        [member(0, revision="old"), member(1, revision="old")],
        [],
    ),
    "deletion by hand is left to hands": (
        sts(1, updateStrategy={"type": "OnDelete"}),
        [member(0, revision="old")],
        [],
    ),
    "an outdated pod that never got ready is replaced": (sts(1), [member(0, ready=False, revision="old")], [delete(0)]),
    "ordinals may start later": (sts(1, ordinals={"start": 5}), [], [create(5)]),
    "pods of other names are nobody's": (sts(0), [pod("other-0"), pod("web-x")], []),
}


@pytest.mark.parametrize(("obj", "pods", "expected"), CASES.values(), ids=CASES.keys())
def test_pods(obj: Obj, pods: list[Obj], expected: list[Any]) -> None:
    """What may be done now."""
    assert without_status(statefulset.plan(obj, pods, NOW).changes) == expected


def test_a_pod_has_its_name_and_claims() -> None:
    """Host name, subdomain and labels; each claim template becomes a claim of the pod's own and a volume."""
    claim = {"metadata": {"name": "data", "annotations": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    spec = {"serviceName": "db", "volumeClaimTemplates": [claim], "selector": {"matchLabels": {"app": "web"}}}
    first, second = statefulset.plan(sts(1, **spec), [], NOW).changes[:2]
    assert first.obj == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-web-0", "namespace": "d", "labels": {"app": "web"}, "annotations": {"a": "b"}},
        "spec": {"accessModes": ["ReadWriteOnce"]},
    }
    assert second.obj["metadata"]["labels"] == {
        "app": "web",
        "controller-revision-hash": REVISION,
        "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0",
    }
    assert second.obj["spec"]["hostname"] == "web-0"
    assert second.obj["spec"]["subdomain"] == "db"
    assert second.obj["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]


def test_below_the_partition_pods_come_back_in_the_current_revision() -> None:
    """A pod that is lost during a partitioned update returns as it was."""
    obj = sts(1, {"currentRevision": "old"}, **PARTITION)
    created: Any = statefulset.plan(obj, [], NOW).changes[0]
    assert created.obj["metadata"]["labels"][statefulset.REVISION_LABEL] == "old"


def test_status() -> None:
    """Counts by revision; the current revision moves on when all pods are updated and ready."""
    pods = [member(0, revision="old"), member(1, ready=False)]
    status = status_of(statefulset.plan(sts(2, {"currentRevision": "old"}), pods, NOW).changes)
    assert status == {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 1,
        "currentReplicas": 1,
        "updatedReplicas": 1,
        "availableReplicas": 1,
        "updateRevision": REVISION,
        "collisionCount": 0,
    }
    done = status_of(statefulset.plan(sts(2, {"currentRevision": "old"}), [member(0), member(1)], NOW).changes)
    assert done["currentRevision"] == REVISION


def test_a_set_on_its_way_out_is_left_alone() -> None:
    """The garbage collector takes its pods."""
    obj = sts()
    obj["metadata"]["deletionTimestamp"] = ago(0)
    assert statefulset.plan(obj, [], NOW).changes == ()
