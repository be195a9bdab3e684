"""Decisions: who is picked, who is kept, who is refused and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.labels import selector_from_label_selector
from headwater.scheduling.decide import decide
from headwater.scheduling.model import (
    Location,
    Policy,
    Snapshot,
    SpreadConstraint,
    Taint,
    Target,
    Toleration,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALL = selector_from_label_selector({})
HERE = Location("loc", "default", {}, ALL)
PODS = ("", "pods", "id1")


def target(name: str, **values: Any) -> Target:
    return Target(key=f"key-{name}", cluster="loc", name=name, **values)


def policy(**values: Any) -> Policy:
    return Policy(uid="p1", location_selector=ALL, **values)


def picked(decision: Any) -> set[str]:
    return {pick.target.name for pick in decision.picks}


REFUSALS = {
    "cordoned": ({"unschedulable": True}, "Unschedulable"),
    "not-ready": ({"not_ready_since": NOW}, "NotReady"),
    "evicting": ({"evict_after": NOW}, "Evicting"),
    "no-schedule": ({"taints": (Taint("gpu", "", "NoSchedule"),)}, "Tainted"),
    "no-execute": ({"taints": (Taint("gpu", "", "NoExecute"),)}, "Tainted"),
    "api-missing": ({"accepted": frozenset({("", "pods", "other")})}, "APINotSupported"),
}


@pytest.mark.parametrize(("values", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_new_target_is_refused(values: dict[str, Any], reason: str) -> None:
    """A target that must not get new workloads is refused with the reason, and the good one is taken."""
    values = {"accepted": frozenset({PODS}), **values}
    snapshot = Snapshot(NOW, (HERE,), (target("bad", **values), target("good", accepted=frozenset({PODS}))))
    decision = decide(policy(maximum=2, required={"kubernetes": frozenset({PODS})}), snapshot)
    assert picked(decision) == {"good"}
    assert [(each.target.name, each.reason) for each in decision.rejections] == [("bad", reason)]


KEEPS = {
    "cordon-keeps": ({"unschedulable": True}, True),
    "no-schedule-keeps": ({"taints": (Taint("gpu", "", "NoSchedule"),)}, True),
    "no-execute-moves": ({"taints": (Taint("gpu", "", "NoExecute"),)}, False),
    "drain-moves": ({"unschedulable": True, "evict_after": NOW}, False),
    "future-drain-keeps": ({"evict_after": NOW + timedelta(seconds=1)}, True),
    "lost-within-grace-keeps": ({"not_ready_since": NOW - timedelta(seconds=299)}, True),
    "lost-after-grace-moves": ({"not_ready_since": NOW - timedelta(seconds=300)}, False),
}


@pytest.mark.parametrize(("values", "stays"), KEEPS.values(), ids=KEEPS)
def test_target_in_use(values: dict[str, Any], stays: bool) -> None:
    """What runs somewhere stays there unless it is told to leave or its target is lost for too long."""
    snapshot = Snapshot(NOW, (HERE,), (target("a", **values), target("b")))
    decision = decide(policy(current=("key-a",)), snapshot)
    assert picked(decision) == ({"a"} if stays else {"b"})


UNFIT = {
    "lost": ({"not_ready_since": NOW - timedelta(days=1)}, True),
    "api-missing": ({"accepted": frozenset()}, True),
    "drained": ({"evict_after": NOW}, False),
    "no-execute": ({"taints": (Taint("gpu", "", "NoExecute"),)}, False),
}


@pytest.mark.parametrize(("values", "stays"), UNFIT.values(), ids=UNFIT)
def test_nothing_moves_without_a_place_to_go_to(values: dict[str, Any], stays: bool) -> None:
    """The last target that a workload runs on is given up when somebody asks for it, not when it is lost."""
    values = {"accepted": frozenset({PODS}), **values}
    required = {"kubernetes": frozenset({PODS})}
    here = policy(current=("key-a",), required=required)
    alone = decide(here, Snapshot(NOW, (HERE,), (target("a", **values),)))
    assert picked(alone) == ({"a"} if stays else set())
    assert [pick.fit for pick in alone.picks] == [False] * stays
    assert [each.target.name for each in alone.rejections] == ["a"]
    both = (target("a", **values), target("b", accepted=frozenset({PODS})))
    assert picked(decide(here, Snapshot(NOW, (HERE,), both))) == {"b"}


def test_tolerated_taint_is_no_reason() -> None:
    tainted = target("a", taints=(Taint("gpu", "x", "NoExecute"),))
    tolerant = policy(tolerations=(Toleration(key="gpu", operator="Exists"),))
    assert picked(decide(tolerant, Snapshot(NOW, (HERE,), (tainted,)))) == {"a"}
    wrong = policy(tolerations=(Toleration(key="gpu", value="y"),))
    assert picked(decide(wrong, Snapshot(NOW, (HERE,), (tainted,)))) == set()


def test_a_toleration_longer_than_time_itself_never_ends() -> None:
    """`tolerationSeconds` is 64 bits wide; the calendar ends before that."""
    added = Taint("gpu", "", "NoExecute", NOW)
    for_long = policy(current=("key-a",), tolerations=(Toleration("gpu", "Exists", seconds=2**63 - 1),))
    decision = decide(for_long, Snapshot(NOW, (HERE,), (target("a", taints=(added,)), target("b"))))
    assert picked(decision) == {"a"}
    assert decision.recheck_at is None


def test_rechecks_when_time_alone_may_change_the_outcome() -> None:
    lost = target("a", not_ready_since=NOW - timedelta(seconds=100))
    drained = target("b", evict_after=NOW + timedelta(seconds=400))
    decision = decide(policy(current=("key-a",)), Snapshot(NOW, (HERE,), (lost, drained)))
    assert decision.recheck_at == NOW + timedelta(seconds=200)


def test_locations_are_selected_by_labels_and_names() -> None:
    east = Location("loc", "east", {"region": "e"}, selector_from_label_selector({"matchLabels": {"r": "e"}}))
    west = Location("loc", "west", {"region": "w"}, selector_from_label_selector({"matchLabels": {"r": "w"}}))
    targets = (target("e1", labels={"r": "e"}), target("w1", labels={"r": "w"}), target("none"))
    snapshot = Snapshot(NOW, (east, west), targets)
    by_label = Policy("p", selector_from_label_selector({"matchLabels": {"region": "e"}}), maximum=9)
    assert picked(decide(by_label, snapshot)) == {"e1"}
    assert picked(decide(policy(maximum=9, location_names=frozenset({"west"})), snapshot)) == {"w1"}
    assert picked(decide(policy(maximum=9), snapshot)) == {"e1", "w1"}


def test_spread_over_cells() -> None:
    """Two picks go to two cells, and a third is refused when it would make them too uneven."""
    targets = tuple(target(f"{cell}{n}", cells=(cell,)) for cell in "ab" for n in range(3))
    spread = (SpreadConstraint("cell", 1),)
    two = decide(policy(maximum=2, spread=spread), Snapshot(NOW, (HERE,), targets))
    assert {name[0] for name in picked(two)} == {"a", "b"}
    uneven = (
        target("a0", cells=("a",)),
        target("a1", cells=("a",)),
        target("a2", cells=("a",)),
        target("b0", cells=("b",)),
    )
    decision = decide(policy(maximum=4, spread=spread), Snapshot(NOW, (HERE,), uneven))
    assert len(decision.picks) == 3
    assert [each.reason for each in decision.rejections] == ["SpreadConstraint"]


def test_independent_of_order() -> None:
    targets = [target(str(n)) for n in range(4)]
    outcomes = {
        frozenset(picked(decide(policy(maximum=2), Snapshot(NOW, (HERE,), order)))) for order in permutations(targets)
    }
    assert len(outcomes) == 1


FLEET = st.lists(
    st.builds(
        lambda n, down, cordoned, evict: target(
            str(n),
            not_ready_since=NOW - timedelta(days=1) if down else None,
            unschedulable=cordoned,
            evict_after=NOW if evict else None,
        ),
        st.integers(0, 50),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.key,
)


@given(
    fleet=FLEET,
    maximum=st.integers(1, 5),
    current=st.lists(st.integers(0, 50).map(lambda n: f"key-{n}"), max_size=5, unique=True),
)
def test_constraints_hold_and_movement_is_least(fleet: list[Target], maximum: int, current: list[str]) -> None:
    """Never more than asked, no new target that may not run it, and nothing in use is dropped for nothing."""
    decision = decide(policy(maximum=maximum, current=tuple(current)), Snapshot(NOW, (HERE,), tuple(fleet)))
    assert len(decision.picks) <= maximum
    fit = [pick for pick in decision.picks if pick.fit]
    for pick in decision.picks:
        assert pick.target.evict_after is None
        assert pick.fit == (pick.target.not_ready_since is None)
        assert pick.kept or (pick.fit and not pick.target.unschedulable)
    usable_in_use = [
        each for each in fleet if each.key in current and not each.evict_after and not each.not_ready_since
    ]
    assert sum(pick.kept for pick in fit) == min(len(usable_in_use), maximum)
    lost_in_use = [each for each in fleet if each.key in current and each.not_ready_since and not each.evict_after]
    assert len(decision.picks) - len(fit) == min(len(lost_in_use), maximum - len(fit))
    assert len(fit) + len(decision.rejections) == len(fleet)


def test_a_new_target_takes_over_only_its_share() -> None:
    """Fresh policies spread over all targets, and a target more changes few of the answers."""
    fleet = tuple(target(str(n)) for n in range(5))

    def answers(targets: tuple[Target, ...]) -> list[str]:
        return [decide(Policy(f"p{n}", ALL), Snapshot(NOW, (HERE,), targets)).picks[0].target.name for n in range(200)]

    before, after = answers(fleet), answers((*fleet, target("new")))
    assert len(set(before)) == 5
    assert all(new in (old, "new") for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("weights", "fit"), [({"a": 1}, {"a"}), ({"a": 1, "b": 2}, {"a", "b"}), ({"c": 1}, {"a", "b"}), ({}, {"a", "b"})]
)
def test_a_home_without_weight_is_not_fit_for_a_share(weights: dict[str, int], fit: set[str]) -> None:
    """It gets no replica beside one that has a weight; among none that have, all are equal."""
    rule = policy(minimum=2, maximum=2, divided=True, weights=weights)
    decision = decide(rule, Snapshot(NOW, (HERE,), (target("a"), target("b"))))
    assert picked(decision) == {"a", "b"}
    assert {pick.target.name for pick in decision.picks if pick.fit} == fit
    told = [(each.reason, each.message) for each in decision.rejections]
    assert told == ([("NoWeight", "SyncTarget b has no weight")] if "b" not in fit else [])
