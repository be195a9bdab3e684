"""What a workload leaves stays charged until it is gone, and is there for nobody else until then."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scheduling.fleets import NOW, policy, put, settle_homes, target, workload, world
from tests.unit.scheduling.random_fleets import values
from tests.unit.scheduling.test_properties import RUNS, Values, workload_of

from headwater.machinery.labels import parse_selector
from headwater.scheduling.assign import assign, begin, record
from headwater.scheduling.explain import explain
from headwater.scheduling.model import Policy
from headwater.scheduling.workload import Assignment, Workload
from headwater.scheduling.world import World

EAST, WEST = parse_selector("zone=east"), parse_selector("zone=west")


def two(east: int, west: int, *more: Policy | Workload) -> World:
    """Targets a in the east and b in the west, with so much cpu."""
    zones = {"a": ({"zone": "east"}, east), "b": ({"zone": "west"}, west)}
    return world(*(target(name, labels=labels, cpu=cpu) for name, (labels, cpu) in zones.items()), *more)


def east(uid: str) -> Policy:
    return policy(uid, target_selector=EAST)


def west(uid: str) -> Policy:
    return policy(uid, target_selector=WEST)


def gone(made: World, name: str, *keys: str) -> None:
    """The pods of a workload are gone from targets that it is leaving, or from all of these."""
    known = workload_of(made, name)
    leaving = {key: count for key, count in known.leaving.items() if keys and key not in keys}
    put(made, Workload(known.id, known.policies, known.replicas, known.request, known.current, leaving=leaving))


def test_a_newcomer_waits_until_the_room_is_there() -> None:
    """From the moment it is decided to leave, over the removal mark, until the label is gone."""
    made = two(4, 4, west("p1"), east("p2"), workload("old", "p1", replicas=3, current={"key-a": 3}))
    put(made, workload("new", "p2", replicas=2))
    begin(made, "old", assign(made, "old", NOW))
    assert workload_of(made, "old") == workload(
        "old", "p1", replicas=3, current={"key-b": 3}, leaving={"key-a": 3}, request={"cpu": 1}
    )
    assert made.requested("key-a") == {"cpu": 3}
    waiting = assign(made, "new", NOW)
    assert (waiting.shares, waiting.unplaced) == ({}, 2)
    assert assign(made, "new", NOW).reasons == ("InsufficientCapacity: SyncTarget a has too little cpu",)
    gone(made, "old")
    assert made.requested("key-a") == {}
    assert assign(made, "new", NOW).shares == {"key-a": 2}


def test_a_share_that_shrinks_is_charged_whole_until_it_has() -> None:
    made = two(6, 6, policy(maximum=2, divided=True), workload(replicas=4, current={"key-a": 4}))
    begin(made, "web", assign(made, "web", NOW))
    found = workload_of(made, "web")
    assert (found.current, found.leaving) == ({"key-a": 2, "key-b": 2}, {"key-a": 2})
    assert (made.requested("key-a"), made.requested("key-b")) == ({"cpu": 4}, {"cpu": 2})
    begin(made, "web", assign(made, "web", NOW))
    assert workload_of(made, "web") == found
    put(made, workload("new", "p2"))
    put(made, workload("new", "p2", replicas=3))
    put(made, east("p2"))
    assert assign(made, "new", NOW).shares == {}
    gone(made, "web")
    assert assign(made, "new", NOW).shares == {"key-a": 3}


def test_who_returns_has_room_where_it_was() -> None:
    """Its own pods are still there; it is charged once, and what it has more than before needs room."""
    made = two(4, 0, east("p1"), workload("web", replicas=3, leaving={"key-a": 3}))
    assert assign(made, "web", NOW).shares == {"key-a": 3}
    begin(made, "web", assign(made, "web", NOW))
    assert (workload_of(made, "web").leaving, made.requested("key-a")) == ({}, {"cpu": 3})
    put(made, workload("web", replicas=5, leaving={"key-a": 3}))
    assert assign(made, "web", NOW).shares == {}
    put(made, workload("web", replicas=4, leaving={"key-a": 3}))
    assert assign(made, "web", NOW).shares == {"key-a": 4}


def test_room_for_its_own_is_found_though_it_was_noted_that_there_is_none() -> None:
    """That no target has room for such replicas is remembered for all workloads, of which this one has some there."""
    made = two(4, 0, east("p1"), workload("web", replicas=3, leaving={"key-a": 3}), workload("new", replicas=3))
    assert assign(made, "new", NOW).shares == {}
    assert assign(made, "web", NOW).shares == {"key-a": 3}


def test_what_is_deleted_or_let_go_gives_all_back() -> None:
    """Also on a target that nobody knows any more, and in a copy without the original."""
    made = two(4, 4, west("p1"), workload("web", replicas=2, current={"key-b": 2}, leaving={"key-a": 2, "key-x": 1}))
    put(made, workload("small", replicas=0, request={"memory": 1}, leaving={"key-a": 4}))
    assert made.on_target("key-a") == ("small", "web")
    copy = made.fork()
    copy.let_go()
    for each in ("key-a", "key-x"):
        assert (copy.requested(each), copy.on_target(each)) == ({}, ())
    assert not copy.emptying()
    assert set(made.emptying()) == {"key-a", "key-x"}
    assert made.requested("key-a") == {"cpu": 2, "memory": 4}
    made.drop_target("key-a")
    made.drop_workload("web")
    made.drop_workload("small")
    assert [made.requested(each) for each in ("key-a", "key-b", "key-x")] == [{}, {}, {}]
    assert not made.emptying()
    assert not made.on_target("key-a")


def test_what_can_not_be_divided_stays_so() -> None:
    """Also when its assignment is taken over."""
    made = two(9, 9, policy(maximum=2, divided=True), workload(replicas=4, divisible=False))
    for take_over in (record, begin):
        take_over(made, "web", Assignment({"key-a": 4}))
        assert not workload_of(made, "web").divisible


@RUNS
@given(values())
def test_charges_are_what_workloads_hold(given_values: Values) -> None:
    """The sum for each target is that of all that is there or is leaving it, before and after everything is decided."""
    made = world(*given_values)
    settle_homes(made)
    for workload_id in ("", *sorted(made.workloads())):
        if workload_id:
            begin(made, workload_id, assign(made, workload_id, NOW))
        for each in made.targets():
            expected: dict[str, int] = {}
            for other in (workload_of(made, name) for name in made.workloads()):
                replicas = other.current.get(each.key, 0) + other.leaving.get(each.key, 0)
                for resource, amount in other.request.items():
                    expected[resource] = expected.get(resource, 0) + amount * replicas
            assert made.requested(each.key) == {resource: amount for resource, amount in expected.items() if amount}


def test_two_that_swap_places_without_room_for_both() -> None:
    """The first has to go down, as it always had to. The second sees that room is coming, and waits where it is."""
    made = two(2, 2, west("p1"), east("p2"), workload("x", "p1", replicas=2, current={"key-a": 2}))
    put(made, workload("y", "p2", replicas=2, current={"key-b": 2}))
    first = assign(made, "x", NOW)
    assert (first.shares, first.awaits) == ({}, False)
    begin(made, "x", first)
    second = assign(made, "y", NOW)
    assert (second.shares, second.awaits, second.unplaced) == ({}, True, 2)
    assert second.reasons[0].startswith("InsufficientCapacity: it stays where it is until others have left")
    begin(made, "y", second)
    assert (workload_of(made, "y").current, workload_of(made, "y").leaving) == ({"key-b": 2}, {})
    again = assign(made, "x", NOW)
    assert (again.shares, again.awaits) == ({}, False)
    begin(made, "x", again)
    gone(made, "x")
    for name, key in (("y", "key-a"), ("x", "key-b")):
        found = assign(made, name, NOW)
        assert (found.shares, found.awaits) == ({key: 2}, False)
        begin(made, name, found)
        gone(made, name)
    assert (made.free("key-a"), made.free("key-b")) == ({"cpu": 0}, {"cpu": 0})


AWAITING: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "enough": ({}, {}, True),
    "only-a-part": ({}, {"replicas": 4}, False),
    "a-part-is-worth-it-where-replicas-are-divided": ({"divided": True}, {"replicas": 4}, True),
    "it-gives-nothing-up": ({}, {"current": {}}, False),
    "it-has-enough": ({}, {"current": {"key-c": 3}}, False),
    "nothing-comes-there": ({"required": {"kubernetes": frozenset({("", "pods", "")})}}, {}, False),
}


@pytest.mark.parametrize(("rules", "values", "expected"), AWAITING.values(), ids=AWAITING)
def test_what_is_worth_waiting_for(rules: dict[str, Any], values: dict[str, Any], expected: bool) -> None:
    """A workload that is asked to leave b, on which all of a is given back by another one; c is full."""
    made = two(3, 9, policy("p1", target_names=frozenset("ac"), **rules), workload("old", "p2", leaving={"key-a": 3}))
    put(made, target("c", cpu=0))
    put(made, workload(**{"replicas": 3, "current": {"key-b": 3}, **values}))
    assert assign(made, "web", NOW).awaits is expected
    gone(made, "old")
    assert not assign(made, "web", NOW).awaits


def test_explain_says_that_room_is_coming() -> None:
    made = two(4, 0, east("p1"), workload("old", "p2", leaving={"key-a": 2}), workload(replicas=4))
    assert [(each.message, each.admit) for each in explain(made, "web", NOW).verdicts[0].reasons] == [
        ("SyncTarget a lacks 2m cpu", "wait for workloads that are leaving it")
    ]
    put(made, workload(replicas=5))
    assert [each.admit for each in explain(made, "web", NOW).verdicts[0].reasons] == ["3m more cpu"]


def test_a_target_that_is_kept_for_want_of_room_is_told_apart() -> None:
    """Another one takes over when there is room, which somebody has to look for."""
    made = two(9, 2, policy(), workload(replicas=3, current={"key-a": 3}))
    assert not assign(made, "web", NOW).held
    put(made, target("a", not_ready_since=NOW - timedelta(days=1)))
    assert (assign(made, "web", NOW).shares, assign(made, "web", NOW).held) == ({"key-a": 3}, True)
    put(made, target("b", cpu=3))
    assert (assign(made, "web", NOW).shares, assign(made, "web", NOW).held) == ({"key-b": 3}, False)


@RUNS
@given(values(), st.randoms(use_true_random=False))
def test_all_comes_to_rest(given_values: Values, chance: Random) -> None:
    """In whatever order workloads are decided and leave, nobody waits for ever, and no newcomer over-commits."""
    made = world(*given_values)
    settle_homes(made)
    for _ in range(100):
        before = {each: workload_of(made, each) for each in made.workloads()}
        for workload_id in chance.sample(sorted(made.workloads()), len(before)):
            known = workload_of(made, workload_id)
            given_to = assign(made, workload_id, NOW)
            begin(made, workload_id, given_to)
            for key in given_to.shares.keys() - known.charged.keys():
                free = made.free(key) or {}
                assert all(free.get(resource, 0) >= 0 for resource in known.request if given_to.shares[key])
        leavers = [each for each in sorted(made.workloads()) if workload_of(made, each).leaving]
        for workload_id in chance.sample(leavers, chance.randint(1, len(leavers)) if leavers else 0):
            gone(made, workload_id)
        if not leavers and before == {each: workload_of(made, each) for each in made.workloads()}:
            break
    else:
        raise AssertionError("never comes to rest")
    for workload_id in made.workloads():
        last = assign(made, workload_id, NOW)
        assert (last.shares, last.awaits) == (workload_of(made, workload_id).current, False)
