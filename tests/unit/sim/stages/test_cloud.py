"""Nodes, load balancer addresses and volumes: what a cloud would add to a pcluster."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, pod, status_of, summary

from headwater.sim.stages import addresses, nodes, volumes
from headwater.sim.stages.nodes import NodeShape


def test_a_node_is_made_to_shape() -> None:
    """Capacity and labels as asked, the rest by default; addresses of its own."""
    made = nodes.node("east", 2, NodeShape(capacity={"cpu": "2"}, labels={"zone": "z"}, network=3), NOW)
    assert made["metadata"]["name"] == "east-node-2"
    assert made["metadata"]["labels"]["zone"] == "z"
    assert made["status"]["capacity"] == {**nodes.DEFAULT_CAPACITY, "cpu": "2"}
    assert nodes.host_ip(made) == "172.19.0.2"
    assert nodes.is_simulated(made)
    assert not nodes.is_simulated({"metadata": {"name": "real"}})
    assert nodes.host_ip(None) == ""


def test_a_heartbeat_keeps_transition_times() -> None:
    """Only the heartbeat moves."""
    made = nodes.node("east", 1, NodeShape(), NOW)
    before = made["status"]["conditions"]
    for one in before:
        one["lastTransitionTime"] = ago(99)
    after = status_of([nodes.heartbeat(made, NOW)])["conditions"]
    assert [one["lastTransitionTime"] for one in after] == [ago(99)] * 4


def test_pods_of_lost_nodes_go() -> None:
    """Pods without a node are not lost."""
    lost = nodes.orphaned_pods(
        [pod("a", node="gone"), pod("b", node="n1"), pod("c", node="")], [{"metadata": {"name": "n1"}}]
    )
    assert summary(lost) == [("delete", "pods", "a")]


def service(kind: str, *taken: str, **spec: Any) -> Obj:
    status = {"loadBalancer": {"ingress": [{"ip": address} for address in taken]}} if taken else {}
    return {"metadata": {"name": "s"}, "spec": {"type": kind, **spec}, "status": status}


@pytest.mark.parametrize(
    ("made", "taken", "expected"),
    [
        (service("LoadBalancer"), [], [{"ip": "198.18.7.2", "ipMode": "VIP"}]),
        (service("LoadBalancer"), ["198.18.7.2"], [{"ip": "198.18.7.3", "ipMode": "VIP"}]),
        (service("LoadBalancer", loadBalancerIP="1.2.3.4"), [], [{"ip": "1.2.3.4", "ipMode": "VIP"}]),
        (service("LoadBalancer", "198.18.7.9"), [], None),
        (service("LoadBalancer", loadBalancerClass="other"), [], None),
        (service("ClusterIP"), [], None),
    ],
    ids=["first", "next", "asked for", "has one", "another's", "none wanted"],
)
def test_load_balancer_addresses(made: Obj, taken: list[str], expected: Any) -> None:
    """One for each, once."""
    status = status_of(addresses.plan_service(made, taken, 7).changes)
    assert status.get("loadBalancer", {}).get("ingress") == expected


def test_a_service_that_is_no_load_balancer_any_more_loses_its_address() -> None:
    """The status is emptied."""
    assert status_of(addresses.plan_service(service("ClusterIP", "1.1.1.1"), [], 7).changes) == {
        "loadBalancer": {"ingress": None}
    }


def test_when_all_addresses_are_taken_the_last_is_shared() -> None:
    """A simulation doesn't run out."""
    assert addresses.free_address({f"198.18.1.{number}" for number in range(251)}, 1) == "198.18.1.250"


def test_things_on_their_way_out_get_no_address() -> None:
    """Neither Services nor Ingresses; an Ingress that has one keeps it."""
    leaving = {"metadata": {"deletionTimestamp": ago(0)}, "spec": {"type": "LoadBalancer"}}
    assert addresses.plan_service(leaving, [], 1).changes == ()
    assert addresses.plan_ingress(leaving, 1).changes == ()
    assert addresses.plan_ingress(service("x", "1.1.1.1"), 1).changes == ()


def claim(**more: Any) -> Obj:
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "3Gi"}}, **more}
    return {"metadata": {"name": "c", "namespace": "d", "uid": "u"}, "spec": spec}


def test_a_claim_is_bound_to_a_volume_of_its_size() -> None:
    """The volume is made, named in the claim, and its size is the claim's capacity."""
    changes = volumes.plan(claim(), None).changes
    created: Any = changes[0]
    assert created.obj["spec"]["capacity"] == {"storage": "3Gi"}
    assert created.obj["spec"]["claimRef"]["uid"] == "u"
    assert summary(changes[1:2]) == [("patch", "persistentvolumeclaims", "c", {"spec": {"volumeName": "pvc-u"}})]
    assert status_of(changes) == {"phase": "Bound", "accessModes": ["ReadWriteMany"], "capacity": {"storage": "3Gi"}}
    bound = {**claim(volumeName="pvc-u"), "status": status_of(changes)}
    assert volumes.plan(bound, None).changes == ()
    leaving = claim()
    leaving["metadata"]["deletionTimestamp"] = ago(0)
    assert volumes.plan(leaving, None).changes == ()


def test_a_volume_goes_with_its_claim() -> None:
    """If it was made for it; until then it is Bound."""
    made: Any = volumes.plan(claim(), None).changes[0]
    assert status_of(volumes.plan_volume(made.obj, claim()).changes) == {"phase": "Bound"}
    assert summary(volumes.plan_volume(made.obj, None).changes) == [("delete", "persistentvolumes", "pvc-u")]
    kept = {**made.obj, "spec": {**made.obj["spec"], "persistentVolumeReclaimPolicy": "Retain"}}
    assert volumes.plan_volume(kept, None).changes == []
    assert volumes.plan_volume({"metadata": {"name": "hand-made"}, "spec": {}}, None).changes == ()
