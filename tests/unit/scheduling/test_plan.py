"""Plans: moves, dips, what does not fit; agreement with what happens when the change is really made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scheduling.fleets import NOW, policy, put, target, workload, world
from tests.unit.scheduling.random_fleets import NAMES, policies, targets, values
from tests.unit.scheduling.test_properties import Values, settled, state

from headwater.machinery.labels import parse_selector
from headwater.scheduling.assign import assign, record
from headwater.scheduling.changes import (
    Change,
    Cordon,
    Drain,
    Fail,
    PutLocation,
    PutPolicy,
    PutTarget,
    RemovePolicy,
    RemoveTarget,
    apply_changes,
)
from headwater.scheduling.model import Location, Taint
from headwater.scheduling.plan import Dip, Move, Plan, TargetLoad, plan
from headwater.scheduling.workload import Assignment
from headwater.scheduling.world import World

WEB = "deployments.apps web"
DRAINED = "SyncTarget a is drained"


def fleet(**b: object) -> World:
    """One workload of two replicas on a, which is its home; b is free."""
    return world(
        target("a", cpu=10),
        target("b", **b),
        policy(current=("key-a",)),
        workload(WEB, replicas=2, current={"key-a": 2}),
    )


def test_drain_with_room_elsewhere_dips_nothing() -> None:
    found = plan(fleet(cpu=4), [Drain("key-a")], NOW)
    assert found == Plan(
        moves=(Move(WEB, {"key-a": 2}, {"key-b": 2}, DRAINED),),
        dips=(),
        unplaced=(),
        targets=(
            TargetLoad("key-a", {"cpu": 2}, {}, {"cpu": 10}),
            TargetLoad("key-b", {}, {"cpu": 2}, {"cpu": 4}),
        ),
    )


def test_a_plan_tells_of_divided_replicas_on_too_few_targets() -> None:
    """All run on what is left, which are fewer SyncTargets than `targets.min`; what lacks already is not told."""
    made = world(target("a"), target("b"), target("c", unschedulable=True))
    put(made, policy(divided=True, minimum=2, maximum=2, current=("key-a", "key-b")))
    put(made, workload(WEB, replicas=4, current={"key-a": 2, "key-b": 2}))
    found = plan(made, [Drain("key-b")], NOW)
    assert [move.after for move in found.moves] == [{"key-a": 4}]
    assert [(each.workload, each.replicas, each.targets) for each in found.unplaced] == [(WEB, 0, 1)]
    record(made, WEB, Assignment({"key-a": 4}))
    put(made, target("b", unschedulable=True))
    assert plan(made, [Drain("key-b")], NOW).unplaced == ()


def test_what_is_not_divisible_stays_whole_in_a_plan() -> None:
    """A DaemonSet, say, among workloads that are divided: it was decided whole, and moves whole."""
    whole = workload(WEB, replicas=1, current={"key-a": 1, "key-b": 1}, divisible=False)
    divides = policy(current=("key-a", "key-b"), maximum=2, divided=True)
    made = world(target("a"), target("b"), target("c"), divides, whole)
    record(made, WEB, assign(made, WEB, NOW))
    kept = made.workload(WEB)
    assert kept is not None
    assert not kept.divisible
    found = plan(made, [Drain("key-a")], NOW)
    assert [each.after for each in found.moves] == [{"key-b": 1, "key-c": 1}]
    assert found.dips == ()


def test_drain_without_room_takes_it_down() -> None:
    """Who asks a workload to leave its last target gets what they ask for; the plan says so before."""
    found = plan(fleet(cpu=1), [Drain("key-a")], NOW)
    assert found.moves == (Move(WEB, {"key-a": 2}, {}, DRAINED),)
    assert found.dips == (Dip(WEB, 2, 0, DRAINED),)
    assert [(each.replicas, each.reasons[0]) for each in found.unplaced] == [
        (2, "InsufficientCapacity: SyncTarget b has too little cpu")
    ]


def test_failure_dips_until_others_have_taken_over() -> None:
    found = plan(fleet(), [Fail(frozenset({"key-a"}))], NOW)
    assert [each.after for each in found.moves] == [{"key-b": 2}]
    assert found.dips == (Dip(WEB, 2, 0, "SyncTarget a is lost"),)
    alone = plan(fleet(cpu=0), [Fail(frozenset({"key-a", "unknown"}))], NOW)
    assert (alone.moves, alone.unplaced, [each.floor for each in alone.dips]) == ((), (), [0])


def test_immediate_eviction_and_jobs_dip() -> None:
    """Without make-before-break what leaves stops before the other is ready."""
    made = fleet()
    put(made, policy(current=("key-a",), immediate=True))
    assert [each.floor for each in plan(made, [Drain("key-a")], NOW).dips] == [0]
    put(made, policy(current=("key-a",)))
    put(made, workload("jobs.batch job", current={"key-a": 1}))
    assert [each.workload for each in plan(made, [Drain("key-a")], NOW).dips] == ["jobs.batch job"]


def test_nothing_moves_for_cordons_or_without_changes() -> None:
    made = fleet()
    assert plan(made, [], NOW) == Plan((), (), (), ())
    found = plan(made, [Cordon("key-a"), Cordon("nowhere")], NOW)
    assert (found.moves, found.dips, found.unplaced) == ((), (), ())
    assert made.target("key-a") == target("a", cpu=10)


def test_a_manifest_is_a_target_to_come() -> None:
    """A target from a file has no status: a new one is expected to be ready, an old one to stay as it is."""
    made = world(target("a", cpu=1), policy(current=("key-a",)), workload(WEB, replicas=2))
    nothing = replace(target("b"), not_ready_since=NOW)
    assert [each.after for each in plan(made, [PutTarget(nothing)], NOW).moves] == [{"key-b": 2}]
    tainted = replace(target("a"), not_ready_since=NOW, taints=(Taint("x", "", "NoExecute"),))
    made = fleet()
    found = plan(made, [PutTarget(tainted)], NOW)
    assert [(each.after, each.cause) for each in found.moves] == [({"key-b": 2}, "SyncTarget a is changed")]
    assert {each.key: each.allocatable for each in found.targets}["key-a"] == {"cpu": 10}


def test_policies_come_and_go() -> None:
    made = fleet()
    put(made, workload("deployments.apps new", "none"))
    elsewhere = policy(target_selector=parse_selector("none=1"))
    assert [each.after for each in plan(made, [PutPolicy(elsewhere, frozenset({WEB}))], NOW).moves] == [{}]
    second = policy("p2", order=("", "a"))
    found = plan(made, [PutPolicy(second, frozenset({"deployments.apps new", "unknown"}))], NOW)
    assert [(each.workload, len(each.after), each.cause) for each in found.moves] == [
        ("deployments.apps new", 1, "Placement p2 is added")
    ]
    removed = plan(made, [RemovePolicy("p1"), RemovePolicy("unknown")], NOW)
    assert removed.moves == (Move(WEB, {"key-a": 2}, {}, "Placement p1 is removed"),)
    assert removed.unplaced[0].reasons == ("NoPlacement: no Placement selects it",)


def test_a_location_that_holds_others_moves_what_is_there() -> None:
    made = world(target("a", labels={"zone": "x"}), target("b", labels={"zone": "y"}), policy(current=("key-a",)))
    put(made, workload(WEB, current={"key-a": 1}))
    narrow = Location("loc", "default", {}, parse_selector("zone=y"))
    found = plan(made, [PutLocation(narrow)], NOW)
    assert found.moves == (Move(WEB, {"key-a": 1}, {"key-b": 1}, "Location default is changed"),)
    assert plan(made, [PutLocation(Location("other", "default", {}, parse_selector("zone=y")))], NOW).moves == ()


def test_room_that_becomes_free_is_used() -> None:
    """What waits for room gets that of a workload that goes."""
    made = world(target("a", cpu=2), policy(current=("key-a",)), policy("p2", current=("key-a",)))
    put(made, workload(WEB, "p2", replicas=2, current={"key-a": 2}))
    put(made, workload("deployments.apps waiting", replicas=2))
    found = plan(made, [RemovePolicy("p2")], NOW)
    assert [(each.workload, each.after, each.cause) for each in found.moves] == [
        ("deployments.apps waiting", {"key-a": 2}, "there is room for it now"),
        (WEB, {}, "Placement p2 is removed"),
    ]


def test_room_takes_in_what_is_kept_on_a_lost_target() -> None:
    """It lacks no target, and moves all the same as soon as another one has room."""
    made = world(target("a", not_ready_since=NOW - timedelta(days=1)), target("b", cpu=2), policy(current=("key-b",)))
    put(made, workload(WEB, replicas=2, current={"key-a": 2}))
    put(made, policy("p2"))
    put(made, workload("deployments.apps there", "p2", replicas=2, current={"key-b": 2}))
    found = plan(made, [RemovePolicy("p2")], NOW)
    assert [(each.workload, each.after) for each in found.moves] == [
        ("deployments.apps there", {}),
        (WEB, {"key-b": 2}),
    ]


def test_what_is_leaving_is_gone_in_the_end() -> None:
    """Neither the loads nor what finds room there count it."""
    made = world(target("a", cpu=2), target("b"), policy(current=("key-b",)), policy("p2", current=("key-a",)))
    put(made, workload("deployments.apps leaving", replicas=2, current={"key-b": 2}, leaving={"key-a": 2}))
    put(made, workload(WEB, "p2", replicas=2))
    found = plan(made, [RemovePolicy("p2")], NOW)
    assert found.moves == (Move(WEB, {"key-a": 2}, {}, "Placement p2 is removed"),)
    assert found.targets == (TargetLoad("key-a", {"cpu": 2}, {}, {"cpu": 2}),)
    assert made.requested("key-a") == {"cpu": 2}


KEYS = st.sampled_from(NAMES).map(lambda name: f"key-{name}")


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """One or two changes."""
    simple = st.one_of(
        st.builds(Drain, KEYS),
        st.builds(Cordon, KEYS),
        st.builds(Fail, st.frozensets(KEYS, max_size=3)),
        st.builds(RemoveTarget, KEYS),
        st.builds(RemovePolicy, st.sampled_from(["p1", "p2"])),
        st.builds(PutTarget, targets("abcdefg").filter(bool).map(lambda found: found[0])),
        st.builds(
            PutPolicy,
            st.sampled_from(["p1", "p4"]).flatmap(policies),
            st.frozensets(st.integers(0, 4).map(lambda number: f"deployments.apps w{number}")),
        ),
    )
    return draw(st.lists(simple, min_size=1, max_size=2))


@settings(max_examples=120, deadline=None)
@given(values(), changes())
def test_plan_agrees_with_what_happens(given_values: Values, planned: list[Change]) -> None:
    """Making the change and deciding everything again leads to the planned moves, loads and gaps, and to no others."""
    made = settled(world(*given_values))
    before = state(made)
    found = plan(made, planned, NOW)
    assert state(made) == before
    really = made.fork()
    apply_changes(really, planned, NOW)
    settled(really)
    after = state(really)
    assert {move.workload: (move.before, move.after) for move in found.moves} == {
        each: (before[each], after[each]) for each in before if before[each] != after[each]
    }
    for load in found.targets:
        assert (made.requested(load.key), really.requested(load.key)) == (load.before, load.after)
    for dip in found.dips:
        assert 0 <= dip.floor < dip.wanted == sum(before[dip.workload].values())


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_failing_most_of_a_workspace_moves_nothing(lost: int) -> None:
    """More than half lost at once is not believed; the dip is there all the same."""
    made = world(*(target(name) for name in "abcd"), policy(current=("key-a",)))
    put(made, workload(WEB, current={"key-a": 1}))
    found = plan(made, [Fail(frozenset(f"key-{name}" for name in "abc"[:lost]))], NOW + timedelta(days=1))
    assert len(found.moves) == (lost < 3)
    assert len(found.dips) == 1
