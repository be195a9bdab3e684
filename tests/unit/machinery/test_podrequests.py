"""What pods ask for, as Kubernetes counts it, and what targets have."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.machinery.podrequests import capacity_of, requests_of


def container(requests: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **more: Any) -> Any:
    return {"resources": {"requests": requests or {}, "limits": limits or {}}, **more}


PODS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "nothing": ({"containers": [{"name": "a"}]}, {}),
    "sum": (
        {"containers": [container({"cpu": "100m"}), container({"cpu": 1, "memory": "1Gi"})]},
        {"cpu": 1100, "memory": 2**30},
    ),
    "rounded-up": ({"containers": [container({"cpu": "100.1m", "memory": "1.5"})]}, {"cpu": 101, "memory": 2}),
    "limit-is-request": (
        {"containers": [container({"cpu": "1"}, {"cpu": "2", "memory": "5"})]},
        {"cpu": 1000, "memory": 5},
    ),
    "init-is-greater": (
        {"initContainers": [container({"cpu": "3"}), container({"cpu": "1"})], "containers": [container({"cpu": "2"})]},
        {"cpu": 3000},
    ),
    "sidecars-run-along": (
        {
            "initContainers": [
                container({"cpu": "1"}, restartPolicy="Always"),
                container({"cpu": "4"}),
                container({"cpu": "2"}, restartPolicy="Always"),
            ],
            "containers": [container({"cpu": "3"})],
        },
        {"cpu": 6000},
    ),
    "init-beside-sidecar": (
        {
            "initContainers": [container({"cpu": "1"}, restartPolicy="Always"), container({"cpu": "4"})],
            "containers": [container({"cpu": "1"})],
        },
        {"cpu": 5000},
    ),
    "overhead": ({"containers": [container({"cpu": "1"})], "overhead": {"cpu": "250m"}}, {"cpu": 1250}),
    "of-the-pod": (
        {"containers": [container({"cpu": "1", "gpu": 1})], "resources": {"requests": {"cpu": "3"}}},
        {"cpu": 3000, "gpu": 1},
    ),
    "unreadable": ({"containers": [container({"cpu": "much"}), "no", {"resources": 3}]}, {}),
    "negative": ({"containers": [container({"cpu": "-1"})]}, {}),
}


@pytest.mark.parametrize(("spec", "expected"), PODS.values(), ids=PODS)
def test_requests_are_counted_as_kubernetes_does(spec: dict[str, Any], expected: dict[str, int]) -> None:
    """Every pod also counts as one pod."""
    assert requests_of({"spec": spec}) == {**expected, "pods": 1}


def test_capacity_is_rounded_down() -> None:
    given = {"cpu": "1999.9m", "memory": "1Ki", "pods": 110, "ephemeral-storage": "1.9"}
    assert capacity_of(given) == {"cpu": 1999, "memory": 1024, "pods": 110, "ephemeral-storage": 1}
