"""Objects with pods as workloads, and SyncTargets and Placements as targets and policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.apis.workload.labels import DELETION_ANNOTATION_PREFIX, SPEC_DIFF_ANNOTATION_PREFIX, state_label
from headwater.machinery.labels import parse_selector
from headwater.scheduling.model import Preference, Taint, Toleration
from headwater.scheduling.pods import pod_template, replicas_of
from headwater.scheduling.snapshot import policy_from, target_from, workload_from

POD = {"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}}

REPLICAS: dict[str, tuple[dict[str, Any], int]] = {
    "deployment": ({"spec": {"replicas": 3}}, 3),
    "says-nothing": ({"spec": {}}, 1),
    "scaled-to-nothing": ({"spec": {"replicas": 0}}, 0),
    "nonsense": ({"spec": {"replicas": "many"}}, 1),
    "true-is-no-number": ({"spec": {"replicas": True}}, 1),
    "job": ({"spec": {"parallelism": 4, "completions": 3}}, 3),
    "endless-job": ({"spec": {"parallelism": 4}}, 4),
    "ended-job": (
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "spec": {"parallelism": 2},
            "status": {"conditions": [{"type": "Complete", "status": "True"}]},
        },
        0,
    ),
}


@pytest.mark.parametrize(("obj", "expected"), REPLICAS.values(), ids=REPLICAS)
def test_replicas(obj: dict[str, Any], expected: int) -> None:
    assert replicas_of(obj) == expected


def test_workload_from_its_labels() -> None:
    """It is where its labels say, with the shares of its spec diffs; where it is being taken away it is leaving."""
    notes = {
        f"{SPEC_DIFF_ANNOTATION_PREFIX}b": '[{"op": "replace", "path": "/replicas", "value": 2}]',
        f"{SPEC_DIFF_ANNOTATION_PREFIX}c": "no patch",
        f"{SPEC_DIFF_ANNOTATION_PREFIX}f": '[{"op": "replace", "path": "/replicas", "value": 3}]',
        **{f"{DELETION_ANNOTATION_PREFIX}{key}": "2026-01-01T00:00:00Z" for key in "defg"},
    }
    marks = {state_label(key): "Sync" for key in "abcdf"} | {state_label("e"): "Upsync"}
    meta = {"name": "web", "namespace": "shop", "labels": marks, "annotations": {**notes, "kcp.io/cluster": "c1"}}
    found = workload_from({"metadata": meta, "spec": {"replicas": 5, "template": POD}}, "apps", "deployments", ("p",))
    assert found.id == "deployments.apps c1|shop/web"
    assert found.current == {"a": 5, "b": 2, "c": 5}
    assert found.leaving == {"d": 5, "f": 3}
    assert (found.policies, found.replicas, found.request) == (("p",), 5, {"cpu": 1000, "pods": 1})


def test_pod_template() -> None:
    assert pod_template({"spec": {"template": POD}}) is POD
    assert pod_template({"spec": {"jobTemplate": {"spec": {"template": POD}}}}) is None
    assert pod_template({"spec": {"template": "text"}}) is None
    assert pod_template({"data": {}}) is None


def test_target_with_capacity_and_taints() -> None:
    spec = {"taints": [{"key": "x", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}]}
    status = {"allocatable": {"cpu": "1500m", "pods": "10"}, "requested": {"cpu": "1"}}
    found = target_from({"metadata": {"name": "east"}, "spec": spec, "status": status})
    assert found.taints == (Taint("x", "", "NoExecute", datetime(2026, 1, 1, tzinfo=UTC)),)
    assert (found.allocatable, found.requested) == ({"cpu": 1500, "pods": 10}, {"cpu": 1000})
    assert target_from({"metadata": {"name": "east"}}).allocatable is None


def test_a_part_of_a_job_takes_its_parallelism() -> None:
    ours = '[{ "op": "add", "path": "/parallelism", "value": 3 }, { "op": "add", "path": "/completions", "value": 6 }]'
    meta = {
        "name": "sum",
        "labels": {state_label("a"): "Sync"},
        "annotations": {f"{SPEC_DIFF_ANNOTATION_PREFIX}a": ours},
    }
    job = {"metadata": meta, "spec": {"parallelism": 4, "completions": 8, "template": POD}}
    assert workload_from(job, "batch", "jobs", ()).current == {"a": 3}


def test_placement_with_everything() -> None:
    spec = {
        "locationSelector": {"names": ["here"]},
        "syncTargetSelector": {"names": ["a"], "matchLabels": {"z": "1"}},
        "preferences": [{"weight": 5, "syncTargetSelector": {"matchLabels": {"fast": "1"}, "names": ["b"]}}],
        "targets": {"min": 2, "max": 3},
        "replicas": {"mode": "Divided", "divideBy": "FreeCapacity", "weights": {"a": 1}},
        "tolerations": [{"key": "x", "operator": "Exists", "tolerationSeconds": 5}],
        "eviction": {"strategy": "Immediate", "graceSeconds": 7},
    }
    meta = {"name": "web", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    found = policy_from({"metadata": meta, "spec": spec}, {}, "c1")
    assert (found.order, found.location_cluster) == (("2026-01-01T00:00:00Z", "web"), "c1")
    assert (found.target_selector, found.target_names) == (parse_selector("z=1"), frozenset({"a"}))
    assert found.preferences == (Preference(5, parse_selector("fast=1"), frozenset({"b"})),)
    assert (found.divided, found.divide_by, found.immediate) == (True, "FreeCapacity", True)
    assert found.tolerations == (Toleration("x", "Exists", "", "", 5),)
    assert found.not_ready_grace == timedelta(seconds=7)


def test_a_daemonset_is_not_divided() -> None:
    """Its pods are one for each node, whatever a Placement says of replicas."""
    template = {"spec": {"containers": [{"name": "c"}]}}
    kinds = {
        kind: workload_from({"kind": kind, "metadata": {"name": "x"}, "spec": {"template": template}}, "apps", kind, ())
        for kind in ("DaemonSet", "Deployment")
    }
    assert {kind: each.divisible for kind, each in kinds.items()} == {"DaemonSet": False, "Deployment": True}
