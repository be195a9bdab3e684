"""What is counted of a pcluster's nodes and pods."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.amounts import amount_of, quantities
from headwater.syncer.capacity.outline import node_outline, pod_outline, pod_requests
from headwater.syncer.capacity.tally import Tally

Obj = dict[str, Any]
READY = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]


def node(name: str, *, conditions: list[Obj] | None = None, has: Obj | None = None, **spec: Any) -> Obj:
    """A node of 4 cores, one of which the system keeps."""
    status = {"capacity": {"cpu": "4", "pods": "10"}, "allocatable": {"cpu": "3", "pods": "10"}}
    return {
        "metadata": {"name": name, "resourceVersion": "1", "labels": {"a": "b"}},
        "spec": spec,
        "status": {**status, **(has or {}), "conditions": READY if conditions is None else conditions},
    }


def pod(name: str, *, on: str = "n1", space: str = "other", cpu: str = "500m") -> Obj:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    meta = {"name": name, "namespace": space, "uid": name, "resourceVersion": "7"}
    return {"metadata": meta, "spec": {"nodeName": on, "containers": [container]}, "status": {"phase": "Running"}}


def tally(*nodes: Obj, ours: tuple[str, ...] = ("ours",)) -> Tally:
    found = Tally(lambda space: space in ours)
    for each in nodes:
        found.put_node(node_outline(each))
    return found


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        pytest.param({}, True, id="ordinary"),
        pytest.param({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}, True, id="preferably not"),
        pytest.param({"unschedulable": True}, False, id="cordoned"),
        pytest.param({"taints": [{"key": "a", "effect": "NoSchedule"}]}, False, id="NoSchedule"),
        pytest.param({"taints": [{"key": "a", "effect": "NoExecute"}]}, False, id="NoExecute"),
        pytest.param({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False, id="not ready"),
        pytest.param({"conditions": []}, False, id="never ready"),
    ],
)
def test_which_nodes_can_be_used(changes: Obj, usable: bool) -> None:
    """All count for the capacity, and what can't be used is named at zero: what is missing would be unlimited."""
    counted = tally(node("n1", **changes)).capacity()
    assert counted.total == {"cpu": 4000, "pods": 10}
    assert counted.allocatable == ({"cpu": 3000, "pods": 10} if usable else {"cpu": 0, "pods": 0})


def test_only_what_counts_is_kept() -> None:
    assert node_outline(node("n1")).keys() == {"metadata", "usable", "capacity", "allocatable"}
    assert node_outline(node("n1"))["metadata"] == {"name": "n1", "resourceVersion": "1"}
    assert pod_outline(pod("a")) == {
        "metadata": {"name": "a", "namespace": "other", "resourceVersion": "7"},
        "node": "n1",
        "requests": {"cpu": 500, "pods": 1},
    }


def test_a_quantity_that_can_not_be_read_stops_nothing() -> None:
    broken = node("n1", has={"allocatable": {"cpu": "many", "pods": "3"}})
    assert tally(broken).capacity().allocatable == {"cpu": 0, "pods": 3}


def test_a_deleted_node_takes_no_pods() -> None:
    going = node("n1")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not node_outline(going)["usable"]


CORE: Obj = {"resources": {"requests": {"cpu": "1"}}}
REQUESTS: dict[str, tuple[Obj, Obj]] = {
    "sum": ({"containers": [CORE, CORE]}, {"cpu": 2000}),
    "limit": (
        {"containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Ki"}}}]},
        {"cpu": 1000, "memory": 1024},
    ),
    "init": ({"containers": [CORE], "initContainers": [{"resources": {"requests": {"cpu": "3"}}}]}, {"cpu": 3000}),
    "sidecar": ({"containers": [CORE], "initContainers": [{**CORE, "restartPolicy": "Always"}, CORE]}, {"cpu": 2000}),
    "overhead": ({"containers": [CORE], "overhead": {"cpu": "10m"}}, {"cpu": 1010}),
    "whole pod": ({"containers": [CORE, CORE], "resources": {"requests": {"cpu": "5"}}}, {"cpu": 5000}),
    "fraction": ({"containers": [{"resources": {"requests": {"cpu": "100u"}}}]}, {"cpu": 1}),
    "nothing": ({"containers": [{}]}, {}),
}


@pytest.mark.parametrize(("spec", "wanted"), REQUESTS.values(), ids=REQUESTS)
def test_requests_of_a_pod(spec: Obj, wanted: Obj) -> None:
    assert pod_requests(spec) == {**wanted, "pods": 1}


def test_pods_of_others_take_their_room() -> None:
    """On nodes that can be used, and never more than a node has."""
    counts = tally(node("n1"), node("n2"), node("n3", unschedulable=True))
    for each in (pod("a"), pod("b", on="n3"), pod("c", on="gone"), pod("d", space="ours"), pod("e", on="n2", cpu="9")):
        counts.put_pod(each["metadata"]["name"], pod_outline(each))
    assert counts.capacity().allocatable == {"cpu": 2500, "pods": 18}
    counts.put_pod("a", pod_outline(pod("a", cpu="1")))
    assert counts.capacity().allocatable == {"cpu": 2000, "pods": 18}
    counts.drop_pod("e")
    counts.drop_node("n1")
    assert counts.capacity().allocatable == {"cpu": 3000, "pods": 10}


def test_a_namespace_that_becomes_ours() -> None:
    """Its pods are the control plane's to count from then on, and others' again when it is given up."""
    ours: set[str] = set()
    counts = Tally(ours.__contains__)
    counts.put_node(node_outline(node("n1")))
    counts.put_pod("a", pod_outline(pod("a", space="web")))
    assert counts.capacity().allocatable["cpu"] == 2500
    ours.add("web")
    for _ in range(2):
        counts.revisit("web")
        assert counts.capacity().allocatable["cpu"] == 3000
    counts.put_pod("b", pod_outline(pod("b", space="web")))
    assert counts.capacity().allocatable["cpu"] == 3000
    ours.clear()
    counts.revisit("web")
    counts.revisit("nobody")
    assert counts.capacity().allocatable["cpu"] == 2000


def test_resources_are_bounded() -> None:
    """A pcluster with a thousand kinds of devices reports the usual resources, and some of those."""
    devices = {f"dev.io/{number:04}": "1" for number in range(1000)}
    counted = tally(node("n1", has={"capacity": {**devices, "memory": "1Gi"}})).capacity()
    assert len(counted.total) == len(counted.allocatable) == 64
    assert counted.total["memory"] == 1 << 30
    assert "cpu" in counted.allocatable


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["put", "drop", "flip"]),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from(["s1", "s2"]),
        st.integers(0, 3000),
    ),
    max_size=30,
)


@given(STEPS)
def test_the_sums_are_those_of_what_is_there(steps: list[tuple[str, str, str, str, int]]) -> None:
    """However pods and namespaces came and went."""
    ours: set[str] = set()
    counts = Tally(ours.__contains__)
    nodes = [node_outline(node("n1")), node_outline(node("n2"))]
    pods: dict[str, Obj] = {}
    for key, step, where, space, cpu in steps:
        if step == "put":
            pods[key] = pod_outline(pod(key, on=where, space=space, cpu=f"{cpu}m"))
            counts.put_pod(key, pods[key])
        elif step == "drop":
            pods.pop(key, None)
            counts.drop_pod(key)
        else:
            ours ^= {space}
            counts.revisit(space)
    fresh = Tally(ours.__contains__)
    for each in nodes:
        counts.put_node(each)
        fresh.put_node(each)
    for key, outline in pods.items():
        fresh.put_pod(key, outline)
    assert counts.capacity() == fresh.capacity()


def test_amounts_and_quantities() -> None:
    assert [amount_of("cpu", text) for text in ("1", "250m", "0.1", 2)] == [1000, 250, 100, 2000]
    assert (amount_of("memory", "100m"), amount_of("memory", "100m", up=True)) == (0, 1)
    assert quantities({"memory": 1 << 30, "cpu": 2500, "hugepages-2Mi": 2 << 20, "a.io/x": 1000}) == {
        "a.io/x": "1k",
        "cpu": "2500m",
        "hugepages-2Mi": "2Mi",
        "memory": "1Gi",
    }
