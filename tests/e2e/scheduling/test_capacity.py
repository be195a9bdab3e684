"""Pclusters with little room: what fits goes, what does not is said and tried again, and what runs is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.e2e.harness import wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Object
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import PCLUSTERS, Stage, Tenant, condition, states

pytestmark = pytest.mark.e2e
NODES, CPUS = 3, 8
"""Of a pcluster, and of a node, as the simulator makes them."""

Resize = Callable[..., None]


@pytest.fixture
def resize(stage: Stage) -> Iterator[Resize]:
    """Gives pclusters so many nodes, and waits until their SyncTargets say so; afterwards all are as they were."""

    def change(**nodes: int) -> None:
        for name, count in nodes.items():
            stage.pclusters[name].request("PUT", "/sim/nodes", {"nodes": count})
        for name, count in nodes.items():
            stage.target(name, lambda obj, cpus=count * CPUS: cpus_of(obj) == cpus)

    yield change
    change(**dict.fromkeys(PCLUSTERS, NODES))


@pytest.fixture
def tenant(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A workspace named after the test, which leaves the room that it took."""
    made = stage.tenant(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    yield made
    made.kubectl("delete", "deployments", "--all", "--timeout=60s")


def cpus_of(target: Object) -> int:
    """Cores that a SyncTarget offers."""
    return int((target.get("status") or {}).get("allocatable", {}).get("cpu", "0"))


def unplaced(tenant: Tenant, name: str) -> Object:
    """Wait until a Deployment says that there is no room for it. Answers the condition."""
    found = tenant.judged("deployments", name, "Scheduled", "False")
    return condition(found, "Scheduled")


def test_what_does_not_fit_is_said_and_tried_again(tenant: Tenant, floor: ReadyFloor, resize: Resize) -> None:
    """The first workload goes, the second waits with a reason and an event, and comes when there is room.

    When the room goes again nobody is taken off: what is placed is never moved for capacity.
    """
    resize(east=1)
    tenant.place("all", "east")
    tenant.apply(manifests.deployment("fits", 1, cpu="5"))
    tenant.runs("fits", east=1)
    floor.hold("fits", 1)
    tenant.apply(manifests.deployment("waits", 1, cpu="5"))
    why = unplaced(tenant, "waits")
    assert why["reason"] == "InsufficientCapacity"
    assert "cpu" in why["message"]
    assert states(tenant.api.find("deployments", "waits", "default")) == {}
    assert tenant.below("east", "deployments", "waits") is None
    wait_for(
        "an event", lambda: "FailedScheduling" in tenant.kubectl("get", "events", "-o", "custom-columns=R:.reason")
    )
    resize(east=2)
    tenant.runs("waits", east=1)
    tenant.judged("deployments", "waits", "Scheduled", "True")
    floor.check(fits=1)
    before = tenant.identity("east", "waits")
    resize(east=1)
    tenant.apply(manifests.deployment("later", 1, cpu="5"))
    assert unplaced(tenant, "later")["reason"] == "InsufficientCapacity"
    tenant.holds("deployments", "waits", "east")
    copy = tenant.comes_down("east", "deployments", "waits")
    assert before["waits"] == copy["metadata"]["uid"]


def test_overflow_takes_along_what_it_needs(tenant: Tenant, resize: Resize) -> None:
    """What the home pcluster has no room for runs on another one that the Placement allows, with its ConfigMap."""
    resize(east=1, west=1)
    tenant.place("all", "east", "west")
    tenant.apply(manifests.deployment("first", 1, cpu="5"))
    wait_for("runs", lambda: any(tenant.ready_on(each, "first") for each in ("east", "west")))
    home = tenant.chosen()[0]
    other = {"east": "west", "west": "east"}[home]
    settings = manifests.config_map("second-settings")
    tenant.apply(settings, manifests.deployment("second", 1, cpu="5", config_maps=["second-settings"]))
    tenant.runs("second", **{other: 1})
    tenant.comes_down(other, "configmaps", "second-settings")
    tenant.runs("first", **{home: 1})
    tenant.apply(manifests.deployment("third", 1, cpu="5"))
    assert unplaced(tenant, "third")["reason"] == "InsufficientCapacity"
    tenant.kubectl("delete", "deployment", "first", "--timeout=60s")
    tenant.runs("third", **{home: 1})


def test_shares_are_cut_to_the_room_there_is(tenant: Tenant, floor: ReadyFloor, resize: Resize) -> None:
    """Divided replicas go where they fit, those left over are said, and follow when a node comes."""
    resize(east=1, west=1)
    tenant.place("all", "east", "west", targets={"min": 1, "max": 2}, replicas={"mode": "Divided"})
    tenant.apply(manifests.deployment("cut", 6, cpu="3"))
    tenant.runs("cut", east=2, west=2)
    why = unplaced(tenant, "cut")
    assert why["reason"] == "InsufficientCapacity"
    assert "2" in why["message"]
    floor.hold("cut", 4)
    resize(east=2)
    tenant.runs("cut", east=4, west=2)
    tenant.judged("deployments", "cut", "Scheduled", "True")
    floor.check(cut=4)


def test_a_drain_into_too_little_room(tenant: Tenant, floor: ReadyFloor, resize: Resize) -> None:
    """Of two workloads on a drained pcluster the other one has room for only one: that moves without a dip."""
    resize(east=2, west=1)
    tenant.place("all", "east")
    names = ("big-1", "big-2")
    tenant.apply(*(manifests.deployment(name, 1, cpu="5") for name in names))
    for name in names:
        tenant.runs(name, east=1)
        floor.hold(name, 1)
    tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["east", "west"]}}})
    tenant.stage.command("drain", "east")
    wait_for("one moves", lambda: sum("west" in floor.where(name) for name in names) == 1)
    moved = next(name for name in names if "west" in floor.where(name))
    tenant.runs(moved, west=1)
    floor.check(**{moved: 1})
    left = next(name for name in names if name != moved)
    assert unplaced(tenant, left)["reason"] == "InsufficientCapacity"
    resize(west=2)
    tenant.runs(left, west=1)
