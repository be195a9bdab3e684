"""Explanations: all reasons, what would admit, scores, and agreement with the assignment."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.scheduling.fleets import NOW, policy, put, target, workload, world

from headwater.machinery.labels import parse_selector
from headwater.scheduling.explain import Explanation, Verdict, explain
from headwater.scheduling.model import Preference, SpreadConstraint, Taint, Toleration


def by_name(explanation: Explanation) -> dict[str, Verdict]:
    return {verdict.target.name: verdict for verdict in explanation.verdicts}


def test_all_reasons_and_what_would_admit() -> None:
    """Not the first reason only: whoever lifts one wants to know of the next."""
    bad = target(
        "bad",
        cpu=1,
        unschedulable=True,
        not_ready_since=NOW,
        taints=(Taint("gpu", "a100", "NoSchedule"), Taint("x", "", "NoExecute")),
    )
    made = world(bad, target("good"), policy(), workload(replicas=3))
    explanation = explain(made, "web", NOW)
    assert explanation.placements == ("p1",)
    assert [(each.target.name, each.decision, each.replicas) for each in explanation.verdicts] == [
        ("good", "Chosen", 3),
        ("bad", "Rejected", 0),
    ]
    assert [(each.reason, each.admit) for each in by_name(explanation)["bad"].reasons] == [
        ("NotReady", "bring its syncer back"),
        ("Unschedulable", "uncordon it"),
        ("Tainted", "tolerate gpu=a100:NoSchedule"),
        ("Tainted", "tolerate x:NoExecute"),
        ("InsufficientCapacity", "2m more cpu"),
    ]


def test_decisions_and_scores() -> None:
    """Kept, held, spare: with the scores of the ranking, and a rank for what could come."""
    lost = NOW - timedelta(days=1)
    likes = (Preference(10, parse_selector("fast=yes")),)
    made = world(
        target("kept", unschedulable=True),
        target("fast", labels={"fast": "yes"}, cpu=10),
        target("slow"),
        policy(current=("key-slow",), preferences=likes),
        workload(current={"key-kept": 1}),
    )
    found = by_name(explain(made, "web", NOW))
    assert {name: (each.decision, each.rank) for name, each in found.items()} == {
        "kept": ("Kept", None),
        "slow": ("Spare", 1),
        "fast": ("Spare", 2),
    }
    assert found["fast"].scores == {"home": 0, "spread": 0, "preference": 10, "free": 10}
    assert found["slow"].scores == {"home": 1, "spread": 0, "preference": 0, "free": 10}
    assert [each.admit for each in found["slow"].reasons] == ["raise targets.max"]
    alone = world(target("kept", not_ready_since=lost), policy(), workload(current={"key-kept": 1}))
    held = by_name(explain(alone, "web", NOW))["kept"]
    assert (held.decision, held.replicas, [each.reason for each in held.reasons]) == ("Held", 1, ["NotReady"])


def test_too_much_is_said_and_moves_nothing() -> None:
    """A workload that was scaled up where it runs stays there."""
    made = world(target("a", cpu=1000, memory=2**20), target("b"), policy())
    put(made, workload(request={"cpu": 300, "memory": 2**18}, replicas=6, current={"key-a": 6}))
    kept = by_name(explain(made, "web", NOW))["a"]
    assert kept.decision == "Kept"
    assert [(each.reason, each.message, each.admit) for each in kept.reasons] == [
        (
            "InsufficientCapacity",
            "SyncTarget a has 800m cpu and 512Ki memory less than is requested there",
            "800m more cpu and 512Ki more memory",
        )
    ]


def test_most_are_lost() -> None:
    made = world(*(target(each, not_ready_since=NOW - timedelta(days=1)) for each in "abc"), policy(), target("d"))
    put(made, workload(current={"key-a": 1}))
    found = by_name(explain(made, "web", NOW))["a"]
    assert (found.decision, [each.reason for each in found.reasons]) == ("Held", ["MassLoss"])
    assert found.reasons[0].message == "SyncTarget a is not ready, as are 3 of 4: none of them is given up"


def test_targets_that_are_not_selected() -> None:
    """A location that the policy does not select, a selector of targets, and a target of another logical cluster."""
    made = world(
        target("in", labels={"zone": "a"}),
        target("out", labels={"zone": "b"}),
        policy(target_selector=parse_selector("zone=a")),
        workload(),
    )
    assert [each.reason for each in by_name(explain(made, "web", NOW))["out"].reasons] == ["TargetNotSelected"]
    put(made, policy(location_names=frozenset({"other"})))
    explanation = explain(made, "web", NOW)
    assert {each.reasons[0].reason for each in explanation.verdicts} == {"LocationNotSelected"}
    assert explanation.assignment.reasons == ("LocationNotSelected: Placement p1 finds no Location",)


def test_uneven_and_weightless() -> None:
    made = world(
        *(target(name, cells=(name[0],)) for name in ("a0", "a1")),
        target("b0", cells=("b",), unschedulable=True, taints=(Taint("x", "", "NoSchedule"),)),
        target("b1", cells=("b",), cpu=0),
        policy(minimum=2, maximum=2, spread=(SpreadConstraint("cell"),), divided=True, weights={"a0": 1, "b1": 1}),
        workload(replicas=2),
    )
    found = by_name(explain(made, "web", NOW))
    assert (found["a0"].decision, found["a0"].replicas) == ("Chosen", 2)
    assert [each.admit for each in found["a1"].reasons] == ["give it a weight", "raise maxSkew"]
    assert [each.reason for each in found["b1"].reasons] == ["InsufficientCapacity"]


def test_until_when_it_is_kept() -> None:
    """Whoever looks in time can still do something about it."""
    here = target(
        "a",
        evict_after=NOW + timedelta(hours=1),
        not_ready_since=NOW - timedelta(seconds=100),
        taints=(Taint("gpu", "", "NoExecute", NOW), Taint("x", "", "NoSchedule")),
    )
    limited = Toleration("gpu", "Exists", effect="NoExecute", seconds=60)
    made = world(here, target("b"), policy(tolerations=(limited,)), workload(current={"key-a": 1}))
    kept = by_name(explain(made, "web", NOW))["a"]
    assert kept.decision == "Kept"
    assert [(each.reason, each.message, each.admit) for each in kept.reasons] == [
        ("Evicting", "SyncTarget a will be drained at 2026-01-01T01:00:00Z", "uncordon it"),
        (
            "NotReady",
            "SyncTarget a is not ready; others may take over at 2026-01-01T00:03:20Z",
            "bring its syncer back",
        ),
        (
            "Tainted",
            "SyncTarget a has the taint gpu:NoExecute, which is tolerated until 2026-01-01T00:01:00Z",
            "tolerate gpu:NoExecute for ever",
        ),
    ]
