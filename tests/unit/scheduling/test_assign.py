"""Assignments of workloads: room, overflow, sticking to what is in use, shares, several Placements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.scheduling.fleets import NOW, policy, put, settle_homes, target, workload, world

from headwater.scheduling.assign import assign, assign_all, record
from headwater.scheduling.model import Location, SpreadConstraint, Taint, Toleration
from headwater.scheduling.workload import Assignment

LOST = NOW - timedelta(days=1)


def names(assignment: Assignment) -> dict[str, int]:
    return {key.removeprefix("key-"): replicas for key, replicas in assignment.shares.items()}


def test_home_first_then_where_room_is_then_nowhere() -> None:
    """Each workload goes home while it fits, overflows after that, and is unplaced with what lacks at the end."""
    made = world(target("a", cpu=10), target("b", cpu=10), policy(current=("key-b",)))
    for number in range(5):
        put(made, workload(f"w{number}", replicas=4))
    given = assign_all(made, made.workloads(), NOW)
    assert [names(each) for each in given.values()] == [{"b": 4}, {"b": 4}, {"a": 4}, {"a": 4}, {}]
    last = given["w4"]
    assert (last.unplaced, last.reasons) == (4, ("InsufficientCapacity: 2 SyncTargets have too little cpu",))
    explained = assign(made, "w4", NOW, rejections=True).rejections
    assert [each.message for each in explained] == ["SyncTarget a lacks 2m cpu", "SyncTarget b lacks 2m cpu"]
    assert made.free("key-a") == {"cpu": 2}
    assert made.on_target("key-b") == ("w0", "w1")
    made.drop_workload("w0")
    assert names(assign(made, "w4", NOW)) == {"b": 4}


def test_unlimited_and_unnamed_resources_fit() -> None:
    made = world(target("a", memory=1), policy(), workload(request={"cpu": 10**30}, replicas=10**6))
    assert names(assign(made, "web", NOW)) == {"a": 10**6}


IN_USE: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "cordoned": ({"unschedulable": True}, {"a": 2}),
    "over-full": ({"cpu": 1}, {"a": 2}),
    "drained": ({"evict_after": NOW}, {"b": 2}),
    "drained-later": ({"evict_after": NOW + timedelta(seconds=1)}, {"a": 2}),
    "no-schedule": ({"taints": (Taint("x", "", "NoSchedule"),)}, {"a": 2}),
    "no-execute": ({"taints": (Taint("x", "", "NoExecute"),)}, {"b": 2}),
    "tolerated-still": ({"taints": (Taint("t", "", "NoExecute", NOW - timedelta(seconds=59)),)}, {"a": 2}),
    "tolerated-no-more": ({"taints": (Taint("t", "", "NoExecute", NOW - timedelta(seconds=60)),)}, {"b": 2}),
    "tolerated-since-unknown": ({"taints": (Taint("t", "", "NoExecute"),)}, {"a": 2}),
    "lost-for-a-moment": ({"not_ready_since": NOW}, {"a": 2}),
    "lost": ({"not_ready_since": LOST}, {"b": 2}),
}


@pytest.mark.parametrize(("values", "expected"), IN_USE.values(), ids=IN_USE)
def test_in_use(values: dict[str, Any], expected: dict[str, int]) -> None:
    """What runs stays unless it is told to leave or its target is lost for too long; home is no reason to move."""
    limited = Toleration(key="t", operator="Exists", seconds=60)
    made = world(
        target("a", **values),
        target("b"),
        policy(current=("key-b",), tolerations=(limited,)),
        workload(replicas=2, current={"key-a": 2}),
    )
    assert names(assign(made, "web", NOW)) == expected
    newcomer = workload("new", replicas=2)
    put(made, newcomer)
    assert names(assign(made, "new", NOW)) == {"b": 2}


def test_a_lost_target_is_given_up_for_another_one_only() -> None:
    made = world(
        target("a", not_ready_since=LOST), target("b", cpu=1), policy(), workload(replicas=2, current={"key-a": 2})
    )
    assert names(assign(made, "web", NOW)) == {"a": 2}
    put(made, target("b", cpu=2))
    assert names(assign(made, "web", NOW)) == {"b": 2}


def test_most_targets_lost_at_once_are_not_given_up() -> None:
    """The control plane is cut off more likely than three of five pclusters are gone."""
    made = world(
        *(target(each, not_ready_since=LOST) for each in "abc"),
        target("d"),
        target("e"),
        policy(),
        workload(current={"key-a": 1}),
    )
    given = assign(made, "web", NOW, rejections=True)
    assert names(given) == {"a": 1}
    put(made, target("c"))
    assert "key-a" not in assign(made, "web", NOW).shares


def test_spread_holds_for_overflow() -> None:
    """A full cell counts for the spread as long as its targets could be used at all."""
    made = world(
        target("a0", cells=("a",)),
        target("a1", cells=("a",)),
        target("b0", cells=("b",), cpu=0),
        policy(minimum=2, maximum=2, spread=(SpreadConstraint("cell"),)),
        workload(replicas=3),
    )
    settle_homes(made)
    given = assign(made, "web", NOW)
    assert len(given.shares) == 1
    assert given.unplaced == 3
    assert given.reasons == (
        "InsufficientCapacity: SyncTarget b0 has too little cpu",
        "SpreadConstraint: 1 SyncTargets would make the spread too uneven",
    )


def test_record_charges_and_credits() -> None:
    made = world(target("a", cpu=10), target("b", cpu=10), policy(), workload(replicas=3))
    record(made, "web", Assignment({"key-a": 3}))
    record(made, "web", Assignment({"key-b": 2}))
    assert (made.free("key-a"), made.free("key-b"), made.requested("key-b")) == ({"cpu": 10}, {"cpu": 8}, {"cpu": 2})
    with pytest.raises(KeyError):
        record(made, "other", Assignment())


def test_several_placements_add_up() -> None:
    """Each gets its home target; where that is full, one is enough for two Placements."""
    west = Location("loc", "west", {}, location_selector())
    made = world(target("a", cpu=5), target("b", cpu=5), west)
    put(made, policy("p1", current=("key-a",)))
    put(made, policy("p2", current=("key-b",)))
    put(made, workload("web", "p1", "p2", replicas=2))
    assert names(assign(made, "web", NOW)) == {"a": 2, "b": 2}
    put(made, workload("big", "p1", "p2", replicas=5, current={"key-a": 5}))
    put(made, workload("small", "p1"))
    record(made, "small", Assignment({"key-b": 1}))
    assert names(assign(made, "big", NOW)) == {"a": 5}


def location_selector() -> Any:
    from headwater.machinery.labels import parse_selector

    return parse_selector("none=1")


def test_without_placement() -> None:
    made = world(target("a"), workload("web", "gone", replicas=2, current={"key-a": 2}))
    given = assign(made, "web", NOW)
    assert (given.shares, given.unplaced, given.reasons) == ({}, 2, ("NoPlacement: no Placement selects it",))
