"""Which workloads of a workspace a Placement selects."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.machinery.amounts import quantities
from headwater.machinery.gvk import GroupVersionResource
from headwater.virtual.scheduling.selection import Inhabitants, bound_resources

INHABITANTS = Inhabitants(
    {"default": {}, "shop": {"tier": "web"}, "kube-system": {"tier": "web"}},
    {
        ("deployments.apps c|shop/web", "shop"): {"app": "web"},
        ("deployments.apps c|shop/db", "shop"): {"app": "db"},
        ("deployments.apps c|default/web", "default"): {"app": "web"},
        ("deployments.apps c|kube-system/web", "kube-system"): {"app": "web"},
        ("deployments.apps c|gone/web", "gone"): {"app": "web"},
    },
)
WEB = {"matchLabels": {"app": "web"}}
TIER = {"matchLabels": {"tier": "web"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["shop/web", "shop/db", "default/web"]),
        ({"workloadSelector": {}}, ["shop/web", "shop/db", "default/web"]),
        ({"workloadSelector": WEB}, ["shop/web", "default/web"]),
        ({"namespaceSelector": TIER}, ["shop/web", "shop/db"]),
        ({"namespaceSelector": TIER, "workloadSelector": WEB}, ["shop/web"]),
        ({"namespaceSelector": {"matchLabels": {"tier": "none"}}}, []),
    ],
)
def test_selectors(spec: dict[str, Any], expected: list[str]) -> None:
    """Both must match; namespaces of the system, and those that are gone, have nothing to place."""
    found = INHABITANTS.selected_by({"spec": spec})
    assert list(found) == [f"deployments.apps c|{each}" for each in expected]


@pytest.mark.parametrize("field", ["namespaceSelector", "workloadSelector"])
def test_unreadable_selectors(field: str) -> None:
    broken = {"matchExpressions": [{"key": "a", "operator": "Near", "values": ["b"]}]}
    with pytest.raises(ValueError, match="Near"):
        INHABITANTS.selected_by({"spec": {field: broken}})


def test_bound_resources() -> None:
    """Each at the version that it is stored in, the newest of several; one that is not stored yet has none."""
    bound = [
        {"group": "apps", "resource": "deployments", "storageVersions": ["v1beta1", "v1"]},
        {"resource": "pods", "storageVersions": ["v1"]},
        {"group": "x.io", "resource": "things"},
    ]
    assert bound_resources([{"status": {"boundResources": bound}}, {}]) == [
        GroupVersionResource("apps", "v1", "deployments"),
        GroupVersionResource("", "v1", "pods"),
    ]


def test_amounts() -> None:
    """As people write them."""
    given = {
        "memory": 3 * 2**30,
        "cpu": 1500,
        "pods": 7,
        "x.io/gpu": 2,
        "ephemeral-storage": 1000,
        "hugepages-2Mi": 2**21,
    }
    assert quantities(given) == {
        "cpu": "1500m",
        "ephemeral-storage": "1k",
        "hugepages-2Mi": "2Mi",
        "memory": "3Gi",
        "pods": "7",
        "x.io/gpu": "2",
    }
    assert quantities({"cpu": 2000, "memory": 0}) == {"cpu": "2", "memory": "0"}
