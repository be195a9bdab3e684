"""Make before break, asserted at every instant: no move, for whatever cause, takes ready pods below what was asked."""

from __future__ import annotations

import json

import pytest
from tests.e2e.harness import wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import PCLUSTERS, Stage, Tenant, condition, states

pytestmark = pytest.mark.e2e
TAINT = {"key": "maintenance", "value": "now", "effect": "NoExecute"}
DIVIDED = {"mode": "Divided"}


def with_config(name: str, replicas: int) -> list[manifests.Object]:
    """A Deployment with a ConfigMap that its pods read."""
    return [
        manifests.config_map(f"{name}-settings"),
        manifests.deployment(name, replicas, config_maps=[f"{name}-settings"]),
    ]


def patch(tenant: Tenant, **spec: object) -> None:
    """Change the Placement."""
    tenant.kubectl("patch", "placement", "all", "--type=merge", "-p", json.dumps({"spec": spec}))


@pytest.mark.parametrize("cause", ["drain", "taint", "policy", "relabel"])
def test_a_move_never_dips(stage: Stage, floor: ReadyFloor, cause: str) -> None:
    """The workload is brought up elsewhere with what it needs, then taken off, and the old pcluster is left empty."""
    tenant, name = stage.tenant(f"floor-{cause}"), f"web-{cause}"
    tenant.place("all", "east")
    tenant.apply(*with_config(name, 3))
    tenant.runs(name, east=3)
    if cause != "policy":
        patch(tenant, locationSelector={"names": ["east", "west"]})
        wait_for("still there", lambda: tenant.chosen() == ["east"])
    floor.hold(name, 3)
    if cause == "drain":
        stage.command("drain", "east")
    elif cause == "taint":
        stage.change("east", taints=[TAINT])
    elif cause == "policy":
        patch(tenant, locationSelector={"names": ["west"]})
    else:
        stage.stack.kubectl("label", "synctarget", "east", "region=nowhere", "--overwrite", workspace="root:platform")
    try:
        tenant.runs(name, west=3)
        tenant.comes_down("west", "configmaps", f"{name}-settings")
        wait_for("left east", lambda: floor.where(name) == {"west": 3})
        floor.check(**{name: 3})
        tenant.goes("east", "configmaps", f"{name}-settings")
    finally:
        stage.stack.kubectl("label", "synctarget", "east", "region=east", "--overwrite", workspace="root:platform")


def test_immediate_dips_and_is_seen(stage: Stage, floor: ReadyFloor) -> None:
    """Who asks for the strategy Immediate gets the gap, which also shows that these tests would see one."""
    tenant = stage.tenant("floor-immediate")
    tenant.place("all", "east", eviction={"strategy": "Immediate"})
    tenant.apply(manifests.deployment("hasty", 3))
    floor.hold("hasty", 3)
    patch(tenant, locationSelector={"names": ["west"]})
    tenant.runs("hasty", west=3)
    wait_for("the gap is seen", lambda: floor.lowest("hasty") < 3)


def test_a_rolling_update_during_a_move(stage: Stage, floor: ReadyFloor) -> None:
    """A new image and a drain at once: pods are replaced, and there are never fewer than the rollout allows."""
    tenant = stage.tenant("floor-rollout")
    tenant.place("all", "east", "west")
    tenant.apply(manifests.deployment("rolling", 4))
    wait_for("runs", lambda: floor.ready("rolling") == 4)
    here = tenant.chosen()[0]
    there = {"east": "west", "west": "east"}[here]
    tenant.kubectl(
        "patch", "deployment", "rolling", "-p", '{"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 0}}}}'
    )
    tenant.until("deployments", "rolling", lambda obj: obj["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0)
    wait_for("below too", lambda: strategy(tenant, here, "rolling") == 0)
    floor.hold("rolling", 4)
    tenant.kubectl("set", "image", "deployment/rolling", "main=nginx:2")
    stage.command("drain", here)
    tenant.runs("rolling", **{there: 4})
    floor.check(rolling=4)
    found = tenant.below(there, "deployments", "rolling") or {}
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:2"


def strategy(tenant: Tenant, pcluster: str, name: str) -> object:
    """How many pods a rollout may take away, below."""
    found = tenant.below(pcluster, "deployments", name) or {}
    return found["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"]


def test_shares_move_without_a_dip(stage: Stage, floor: ReadyFloor) -> None:
    """Divided replicas: other weights, a drained pcluster and its return only ever move what runs elsewhere already."""
    tenant = stage.tenant("floor-shares")
    tenant.place("all", targets={"min": 2, "max": 2}, replicas=DIVIDED, locationSelector={"names": ["east", "west"]})
    tenant.apply(manifests.deployment("divided", 6))
    tenant.runs("divided", east=3, west=3)
    floor.hold("divided", 6)
    patch(tenant, replicas={"weights": {"east": 5, "west": 1}})
    tenant.runs("divided", east=5, west=1)
    patch(tenant, replicas={"weights": None}, locationSelector={"names": list(PCLUSTERS)})
    tenant.runs("divided", east=3, west=3)
    stage.command("drain", "east")
    tenant.runs("divided", west=3, north=3)
    stage.command("uncordon", "east")
    patch(tenant, targets={"min": 3, "max": 3})
    tenant.runs("divided", east=2, west=2, north=2)
    floor.check(divided=6)


def test_a_mass_drain(stage: Stage, floor: ReadyFloor) -> None:
    """Twelve workloads in four namespaces leave at once, none of them dips, and each runs once in the end."""
    tenant = stage.tenant("floor-mass")
    tenant.place("all", "east")
    spaces = [f"team-{number}" for number in range(4)]
    tenant.apply(*(manifests.namespace(each) for each in spaces))
    names = {f"mass-{number}": spaces[number % 4] for number in range(12)}
    tenant.apply(*(manifests.deployment(name, 2, namespace=space) for name, space in names.items()))
    for name in names:
        floor.hold(name, 2)
    patch(tenant, locationSelector={"names": list(PCLUSTERS)})
    stage.command("drain", "east")
    wait_for("all moved", lambda: all(moved(floor, name) for name in names))
    floor.check(**dict.fromkeys(names, 2))
    wait_for("nothing is left", lambda: not any(tenant.home("east", space) for space in spaces))


def moved(floor: ReadyFloor, name: str) -> bool:
    """Whether a workload of two pods runs once, and not in the east."""
    where = floor.where(name)
    return "east" not in where and sorted(where.values()) == [2]


def test_draining_everything(stage: Stage, floor: ReadyFloor) -> None:
    """With nowhere to go a drain takes workloads away, as asked, and says so; they come back when they may.

    As long as one pcluster is left, everything runs there.
    """
    tenant = stage.tenant("floor-everything")
    tenant.place("all")
    tenant.apply(*with_config("last", 2))
    floor.hold("last", 2)
    stage.command("drain", "east")
    stage.command("drain", "west")
    tenant.runs("last", north=2)
    floor.check(last=2)
    stage.command("drain", "north")
    wait_for("stopped", lambda: floor.ready("last") == 0)
    said = tenant.judged("placements", "all", "Scheduled", "False", namespace="")
    why = condition(said, "Scheduled")
    assert why["reason"] == "NoValidTarget"
    assert all(name in why["message"] for name in PCLUSTERS)
    tenant.until("deployments", "last", lambda obj: not (obj.get("status") or {}).get("readyReplicas"))
    stage.command("uncordon", "west")
    tenant.runs("last", west=2)
    tenant.comes_down("west", "configmaps", "last-settings")
    tenant.judged("placements", "all", "Scheduled", "True", namespace="")


def test_a_change_of_mind_in_mid_move(stage: Stage, floor: ReadyFloor) -> None:
    """Called back as soon as its pcluster was told to drop it: what that reported before is no sign of running pods."""
    tenant = stage.tenant("floor-mind")
    tenant.place("all", "east")
    tenant.apply(manifests.deployment("fickle", 3))
    floor.hold("fickle", 3)
    marked = {stage.keys["east"]: "Sync-", stage.keys["west"]: "Sync"}
    for _ in range(6):
        floor.note("to the west")
        tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["west"]}}})
        tenant.api.when("deployments", "default", lambda obj: states(obj) == marked)
        floor.note("back to the east")
        tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["east"]}}})
        tenant.runs("fickle", east=3)
    floor.check(fickle=3)
