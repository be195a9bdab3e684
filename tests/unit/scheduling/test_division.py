"""Shares: in proportion, within limits, and with as little change as can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scheduling.fleets import NOW, policy, put, target, workload, world

from headwater.scheduling.assign import assign, record
from headwater.scheduling.division import divide, divide_gently, divide_within

SHARES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1)

WITHIN = {
    "fits": (10, {"a": 3, "b": 1}, {"a": 99, "b": 99}, {"a": 8, "b": 2}),
    "full-one-passes-on": (10, {"a": 3, "b": 1}, {"a": 4, "b": 99}, {"a": 4, "b": 6}),
    "all-full": (10, {"a": 1, "b": 1}, {"a": 4, "b": 3}, {"a": 4, "b": 3}),
    "weightless-gets-nothing": (10, {"a": 1, "b": 0}, {"a": 4, "b": 99}, {"a": 4, "b": 0}),
    "no-weights-are-equal": (4, {"a": 0, "b": 0}, {"a": 9, "b": 9}, {"a": 2, "b": 2}),
    "in-two-steps": (12, {"a": 1, "b": 1, "c": 2}, {"a": 1, "b": 4, "c": 99}, {"a": 1, "b": 4, "c": 7}),
}


@pytest.mark.parametrize(("replicas", "weights", "limits", "expected"), WITHIN.values(), ids=WITHIN)
def test_within_limits(replicas: int, weights: Any, limits: Any, expected: Any) -> None:
    assert divide_within(replicas, weights, limits) == expected


@given(st.integers(0, 40), SHARES, st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_limits_hold_and_nothing_is_lost(replicas: int, weights: dict[str, int], limits: list[int]) -> None:
    """Shares add up to all replicas, or to what those with weight have room for."""
    room = dict(zip("abcd", limits, strict=True))
    shares = divide_within(replicas, weights, room)
    useful = [key for key in weights if weights[key] or not any(weights.values())]
    assert all(0 <= share <= room[key] for key, share in shares.items())
    assert sum(shares.values()) == min(replicas, sum(room[key] for key in useful))
    if all(share <= room[key] for key, share in divide(replicas, weights).items()):
        assert shares == divide(replicas, weights)


@given(st.integers(0, 40), SHARES, st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_gently_moves_nothing(replicas: int, current: dict[str, int], more: list[int]) -> None:
    """With more replicas no share shrinks, with fewer none grows."""
    room = dict(zip("abcd", more, strict=True))
    room = {key: room[key] for key in current}
    shares = divide_gently(replicas, current, room, {key: current[key] + room[key] for key in current})
    placed = sum(current.values())
    assert sum(shares.values()) == min(replicas, placed + sum(room.values()))
    for key, share in shares.items():
        assert share >= current[key] if replicas >= placed else share <= current[key]


def shares_of(made: Any) -> tuple[dict[str, int], int]:
    given_to = assign(made, "web", NOW)
    record(made, "web", given_to)
    return {key.removeprefix("key-"): replicas for key, replicas in given_to.shares.items()}, given_to.unplaced


def test_weights_within_room() -> None:
    """What is too much for one goes to the other, what is too much for both is unplaced."""
    made = world(target("a", cpu=4), target("b", cpu=8))
    put(made, policy(divided=True, maximum=2, weights={"a": 3, "b": 1}, current=("key-a", "key-b")))
    put(made, workload(replicas=10))
    assert shares_of(made) == ({"a": 4, "b": 6}, 0)
    put(made, workload(replicas=14, current={"key-a": 4, "key-b": 6}))
    assert shares_of(made) == ({"a": 4, "b": 8}, 2)
    assert assign(made, "web", NOW).reasons == (
        "InsufficientCapacity: the 2 SyncTargets that are used have room for 12 of 14 replicas",
    )
    put(made, target("a", cpu=40))
    assert shares_of(made) == ({"a": 11, "b": 3}, 0)


def test_free_capacity_is_sticky() -> None:
    """More goes to where room is, fewer is taken from all, and nobody gives anything up for balance."""
    made = world(target("a", cpu=4), target("b", cpu=12))
    put(made, policy(divided=True, divide_by="FreeCapacity", maximum=2))
    put(made, workload(replicas=4))
    assert shares_of(made) == ({"a": 1, "b": 3}, 0)
    put(made, target("a", cpu=100))
    assert shares_of(made) == ({"a": 1, "b": 3}, 0)
    put(made, workload(replicas=14, current={"key-a": 1, "key-b": 3}))
    assert shares_of(made) == ({"a": 10, "b": 4}, 0)
    put(made, workload(replicas=7, current={"key-a": 10, "key-b": 4}))
    assert shares_of(made) == ({"a": 5, "b": 2}, 0)


def test_a_target_that_holds_all_goes_before_a_home_that_holds_little() -> None:
    made = world(target("a", cpu=3), target("b", cpu=20))
    put(made, policy(divided=True, current=("key-a",)))
    put(made, workload(replicas=10))
    assert shares_of(made) == ({"b": 10}, 0)


def test_growth_goes_where_newcomers_may_go() -> None:
    """A cordoned target keeps its share and gets more only when the others are full; a lost one gets nothing."""
    made = world(target("a", unschedulable=True), target("b", cpu=8))
    put(made, policy(divided=True, maximum=2))
    put(made, workload(replicas=10, current={"key-a": 2, "key-b": 2}))
    assert shares_of(made) == ({"a": 2, "b": 8}, 0)
    put(made, workload(replicas=12, current={"key-a": 2, "key-b": 8}))
    assert shares_of(made) == ({"a": 4, "b": 8}, 0)
    put(made, target("a", not_ready_since=NOW))
    put(made, workload(replicas=14, current={"key-a": 4, "key-b": 8}))
    assert shares_of(made) == ({"a": 4, "b": 8}, 2)


def test_others_take_over_what_they_can_from_a_lost_target() -> None:
    made = world(target("a", not_ready_since=NOW.replace(year=2000)), target("b", cpu=8))
    put(made, policy(divided=True, maximum=2))
    put(made, workload(replicas=10, current={"key-a": 5, "key-b": 5}))
    assert shares_of(made) == ({"a": 2, "b": 8}, 0)
    put(made, target("b", cpu=10))
    assert shares_of(made) == ({"b": 10}, 0)


def test_whoever_takes_over_is_not_the_last_to_come() -> None:
    """A target too small to take over everything comes at once, when another took over; not at the next decision."""
    made = world(target("a", cpu=1), target("b", not_ready_since=NOW.replace(year=2000)), target("c"), target("d"))
    put(made, policy(divided=True, maximum=3))
    put(made, workload(replicas=4, current={"key-b": 4}))
    first = shares_of(made)
    assert (sorted(first[0]), sum(first[0].values())) == (["a", "c", "d"], 4)
    assert shares_of(made) == first


def test_targets_that_run_everything_take_no_share() -> None:
    """A Placement that duplicates and one that divides: all replicas here, shares of them there."""
    made = world(target("a"), target("b"), target("c"))
    put(made, policy("p1", current=("key-a",)))
    put(made, policy("p2", divided=True, maximum=2, current=("key-b", "key-c")))
    put(made, workload("web", "p1", "p2", replicas=4))
    assert shares_of(made) == ({"a": 4, "b": 2, "c": 2}, 0)
    assert shares_of(made) == ({"a": 4, "b": 2, "c": 2}, 0)


ON_ENOUGH: dict[str, tuple[dict[str, Any], int, dict[str, int], dict[str, int]]] = {
    "already": ({"weights": {"a": 3, "b": 1}}, 4, {}, {"a": 3, "b": 1}),
    "from-the-largest": ({"weights": {"a": 100, "b": 1}}, 3, {}, {"a": 2, "b": 1}),
    "again": ({"weights": {"a": 100, "b": 1}}, 3, {"a": 2, "b": 1}, {"a": 2, "b": 1}),
    "from-what-runs": ({"weights": {"a": 100, "b": 1}}, 3, {"a": 3, "b": 0}, {"a": 2, "b": 1}),
    "too-few-replicas": ({"weights": {"a": 100, "b": 1}}, 1, {}, {"a": 1, "b": 0}),
    "free-capacity-at-first": ({"divide_by": "FreeCapacity"}, 3, {}, {"a": 2, "b": 1}),
    "free-capacity-grows": ({"divide_by": "FreeCapacity"}, 4, {"a": 3}, {"a": 3, "b": 1}),
    "free-capacity-shrinks": ({"divide_by": "FreeCapacity"}, 2, {"a": 40, "b": 1}, {"a": 1, "b": 1}),
}


@pytest.mark.parametrize(("rules", "replicas", "current", "expected"), ON_ENOUGH.values(), ids=ON_ENOUGH)
def test_enough_targets_get_a_replica(rules: Any, replicas: int, current: dict[str, int], expected: Any) -> None:
    made = world(target("a", cpu=200), target("b", cpu=4))
    put(made, policy(divided=True, minimum=2, maximum=2, current=("key-a", "key-b"), **rules))
    put(made, workload(replicas=replicas, current={f"key-{name}": share for name, share in current.items()}))
    given_to = assign(made, "web", NOW)
    assert shares_of(made) == (expected, 0)
    assert (given_to.short, given_to.reasons) == (0, ())


WEIGHTS = {"weights": {"a": 1}}
BY_CAPACITY = {"divide_by": "FreeCapacity"}
TOO_FEW: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, int], str]] = {
    "no-weight": (WEIGHTS, {}, {}, "NoWeight: SyncTarget b has no weight"),
    "not-selected": (
        {"target_names": frozenset("a")},
        {},
        {},
        "TargetNotSelected: Placement p1 selects no more than 1 SyncTargets",
    ),
    "no-room": ({}, {"cpu": 0}, {}, "InsufficientCapacity: SyncTarget b has too little cpu"),
    "cordoned": ({}, {"unschedulable": True}, {}, "Unschedulable: SyncTarget b is cordoned"),
    "cordoned-and-used": ({}, {"unschedulable": True}, {"key-b": 0}, "Unschedulable: SyncTarget b is cordoned"),
    "used-and-full": ({}, {"cpu": 0}, {"key-b": 0}, "InsufficientCapacity: SyncTarget b lacks 1m cpu"),
    "what-runs-stays": (
        BY_CAPACITY,
        {},
        {},
        "ReplicasStay: SyncTarget b could be used, but no replica that runs elsewhere is moved for that",
    ),
}


@pytest.mark.parametrize(("rules", "second", "current", "why"), TOO_FEW.values(), ids=TOO_FEW)
def test_too_few_targets_are_said_and_all_runs(rules: Any, second: Any, current: dict[str, int], why: str) -> None:
    """All replicas on one target are fewer than `targets.min` says; they run, and what keeps the other away is said."""
    made = world(target("a"), target("b", **second))
    put(made, policy(divided=True, minimum=2, maximum=2, current=("key-a", "key-b"), **rules))
    put(made, workload(replicas=3, current={"key-a": 3, **current}))
    given_to = assign(made, "web", NOW)
    assert {key: replicas for key, replicas in given_to.shares.items() if replicas} == {"key-a": 3}
    assert (given_to.unplaced, given_to.short, given_to.reasons) == (0, 1, (why,))


STUCK: dict[str, tuple[dict[str, Any], str]] = {
    "full": ({"cpu": 1}, "InsufficientCapacity: the SyncTargets that are used have room for 1 of 2 replicas"),
    "lost": ({"not_ready_since": NOW}, "NotReady: SyncTarget a is not ready"),
    "given-up": ({"not_ready_since": NOW.replace(year=2000)}, "NotReady: SyncTarget a is not ready"),
}


@pytest.mark.parametrize(("state", "why"), STUCK.values(), ids=STUCK)
def test_what_the_only_target_does_not_take_is_said(state: dict[str, Any], why: str) -> None:
    made = world(target("a", **state), policy(divided=True, maximum=2), workload(replicas=2, current={"key-a": 1}))
    given_to = assign(made, "web", NOW)
    assert (given_to.shares, given_to.unplaced, given_to.reasons) == ({"key-a": 1}, 1, (why,))
