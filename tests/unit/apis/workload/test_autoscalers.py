"""Whose the replicas of a workload are."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.autoscalers import autoscalers_of, owns_replicas, scale_target

WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}


def autoscaler(
    api_version: Any = "apps/v1", kind: Any = "Deployment", name: Any = "web", **spec: int
) -> dict[str, Any]:
    return {"spec": {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name}, **spec}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (autoscaler(), True),
        (autoscaler(api_version="apps/v1beta9"), True),
        (autoscaler(api_version="extensions/v1"), False),
        (autoscaler(api_version=None), False),
        (autoscaler(api_version="a/b/c"), False),
        (autoscaler(kind="StatefulSet"), False),
        (autoscaler(name="api"), False),
        ({}, False),
    ],
)
def test_whom_it_scales(given: dict[str, Any], expected: object) -> None:
    assert autoscalers_of(WEB, [given]) == ([given] if expected else [])


def test_a_target_without_group_is_of_the_core() -> None:
    assert scale_target(autoscaler("v1", "ReplicationController")) == ("", "ReplicationController", "web")


@pytest.mark.parametrize(
    ("spec", "wanted", "live", "expected"),
    [
        ({}, 3, 5, True),
        ({}, 0, 5, False),
        ({}, 3, 0, False),
        ({"minReplicas": 0}, 3, 0, True),
        ({"minReplicas": 0}, 0, 0, False),
        (None, 3, 5, False),
    ],
    ids=["scaled", "switched off", "switched on", "down to none", "off and none", "no autoscaler"],
)
def test_whose_the_replicas_are(spec: dict[str, int] | None, wanted: int, live: int, expected: object) -> None:
    found = [] if spec is None else [autoscaler(**spec)]
    assert owns_replicas(found, wanted=wanted, live=live) is expected
