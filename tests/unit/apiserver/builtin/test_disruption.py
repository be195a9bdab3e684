"""Disruption budgets and pod spec defaults."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apiserver.builtin.disruption import budgets_of, refusal
from headwater.apiserver.builtin.strategies.podspecs import default_pod_spec, default_template, is_moving


def pod(name: str, *, ready: bool = True, phase: str = "Running", deleting: bool = False) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": {"app": "x"}}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": meta, "status": {"phase": phase, "conditions": conditions}}


def budget(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "x"}}, **spec}}


READY = [pod("a"), pod("b"), pod("c")]


@pytest.mark.parametrize(
    ("spec", "pods", "refused"),
    [
        pytest.param({"minAvailable": 2}, READY, False, id="one may go"),
        pytest.param({"minAvailable": 3}, READY, True, id="all are needed"),
        pytest.param({"minAvailable": "50%"}, READY, False, id="half, rounded up"),
        pytest.param({"minAvailable": "67%"}, READY, True, id="two thirds, rounded up"),
        pytest.param({"maxUnavailable": 1}, READY, False, id="one may be away"),
        pytest.param({"maxUnavailable": 0}, READY, True, id="none may be away"),
        pytest.param({"maxUnavailable": 1}, [pod("a"), pod("b", ready=False), pod("c")], True, id="one is away"),
        pytest.param({"maxUnavailable": 1}, [pod("a"), pod("b", deleting=True), pod("c")], True, id="one is going"),
        pytest.param({"minAvailable": 2}, [*READY, pod("d", phase="Failed")], False, id="ended ones don't count"),
        pytest.param({"minAvailable": 2}, [pod("a", ready=False), pod("b"), pod("c")], False, id="unready pod"),
        pytest.param({"minAvailable": 2}, [pod("a", ready=False), pod("b")], True, id="unready pod, short already"),
        pytest.param({"minAvailable": 9}, [pod("a", phase="Pending")], False, id="pending pods may go"),
        pytest.param({"minAvailable": 9}, [pod("a", deleting=True)], False, id="it is going anyway"),
        pytest.param({}, READY, False, id="asks for nothing"),
    ],
)
def test_refusals(spec: dict[str, Any], pods: list[dict[str, Any]], refused: bool) -> None:
    """The first pod may go if enough healthy ones stay."""
    why = refusal(pods[0], budget(**spec), pods)
    assert (why is not None) == refused
    if why is not None:
        assert "healthy pods and has" in why


def test_budgets_of_a_pod() -> None:
    """A budget without a selector selects nothing, an empty selector everything."""
    none = {"metadata": {"name": "n"}, "spec": {}}
    everything = {"metadata": {"name": "e"}, "spec": {"selector": {}}}
    other = {"metadata": {"name": "o"}, "spec": {"selector": {"matchLabels": {"app": "y"}}}}
    assert budgets_of(pod("a"), [none, everything, other, budget()]) == [everything, budget()]


@pytest.mark.parametrize(
    ("image", "moving"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("nginx:1.2", False),
        ("registry:5000/nginx", True),
        ("registry:5000/nginx:1", False),
        ("nginx@sha256:abc", False),
    ],
)
def test_moving_images(image: str, moving: bool) -> None:
    """No tag is the tag latest; a digest never moves."""
    assert is_moving(image) == moving


def test_pull_policies() -> None:
    """Every container without a policy gets one; broken specs are left to validation."""
    spec: dict[str, Any] = {
        "containers": [{"image": "a"}, {"image": "b:1"}, {"image": "c", "imagePullPolicy": "Never"}, 5],
        "initContainers": [{}],
    }
    default_pod_spec(spec)
    assert [c["imagePullPolicy"] for c in spec["containers"][:3]] == ["Always", "IfNotPresent", "Never"]
    assert spec["initContainers"][0]["imagePullPolicy"] == "Always"
    default_pod_spec(None)
    default_template({"spec": {"template": 5}}, "spec", "template")
