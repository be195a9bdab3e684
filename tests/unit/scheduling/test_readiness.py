"""What counts as ready on a target."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.base import jsonio
from headwater.scheduling.readiness import ready_as_scaled, ready_on, reported_status


def workload(status: Any, *, replicas: int = 3, own: Any = None, kind: str = "Deployment") -> dict[str, Any]:
    notes = {"diff.syncer.internal.kcp.io/a": jsonio.dumps({"status": status}).decode()} if status is not None else {}
    obj: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"annotations": notes},
        "spec": {"replicas": replicas},
    }
    return obj if own is None else obj | {"status": own}


READY = {"readyReplicas": 3, "updatedReplicas": 3}


@pytest.mark.parametrize(
    ("status", "replicas", "unreachable", "expected"),
    [
        (READY, None, (), True),
        (READY, 4, (), False),
        (READY, 2, (), True),
        ({"readyReplicas": 3, "updatedReplicas": 1}, None, (), False),
        ({"readyReplicas": 3}, None, (), True),
        (None, None, (), False),
        ({"desiredNumberScheduled": 2, "numberReady": 2}, None, (), True),
        ({"desiredNumberScheduled": 2, "numberReady": 1}, None, (), False),
        (READY, None, {"a"}, False),
        (READY, None, {"b"}, True),
        (READY, 0, {"a"}, False),
    ],
)
def test_ready_on(status: Any, replicas: int | None, unreachable: set[str], expected: object) -> None:
    assert ready_on(workload(status), "a", replicas, unreachable) is expected


@pytest.mark.parametrize(
    "status",
    [
        {"readyReplicas": "3"},
        {"readyReplicas": {}, "replicas": [1]},
        {"replicas": "x"},
        {"replicas": 3, "readyReplicas": 3, "updatedReplicas": None},
        {"desiredNumberScheduled": "2", "numberReady": 5},
        {"desiredNumberScheduled": 2, "numberReady": "5"},
        {"conditions": [5, None, {"type": {}}]},
        [1],
        "ready",
    ],
)
def test_a_report_of_another_shape_is_not_ready(status: Any) -> None:
    """A pcluster may report anything; what it reports must not keep its workloads from being moved away."""
    assert ready_on(workload(status), "a") is False
    assert ready_as_scaled(workload(status), "a") is False


def test_what_the_control_plane_says_is_not_reported() -> None:
    """A promoted status is the object's own, without the condition that no pcluster wrote; others keep theirs."""
    ours = {"type": "Scheduled", "status": "True"}
    good = {"type": "Available", "status": "True"}
    own = {**READY, "conditions": [good, ours]}
    assert reported_status(workload("##promoted##", own=own), "a") == {**READY, "conditions": [good]}
    assert reported_status(workload("##promoted##", own={"conditions": [ours]}), "a") is None
    assert reported_status(workload("##promoted##", own=own, kind="Boat"), "a") == own


@pytest.mark.parametrize("text", ["{", "[]", '{"status": 1}', ""])
def test_what_can_not_be_read_is_no_report(text: str) -> None:
    obj = workload(READY)
    obj["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"] = text
    assert reported_status(obj, "a") is None


@pytest.mark.parametrize(
    ("status", "unreachable", "expected"),
    [
        ({"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}, (), True),
        ({"replicas": 5, "readyReplicas": 4, "updatedReplicas": 5}, (), False),
        ({"replicas": 5, "readyReplicas": 5, "updatedReplicas": 2}, (), False),
        ({"replicas": 0, "readyReplicas": 0}, (), False),
        ({"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}, {"a"}, False),
        (None, (), False),
    ],
)
def test_ready_as_scaled(status: Any, unreachable: set[str], expected: object) -> None:
    """Three replicas are asked for, but an autoscaler decides."""
    assert ready_as_scaled(workload(status), "a", unreachable) is expected
