"""What people are told: the condition of a workload, and why it moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.machinery.labels import EVERYTHING
from headwater.reconcilers.scheduling.resource.verdict import Verdict, cause_of_move, undecided, verdict
from headwater.scheduling.model import Location, Policy, Target
from headwater.scheduling.workload import Assignment, Workload
from headwater.scheduling.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEB = ({"metadata": {"name": "web"}},)
CASES: dict[str, tuple[Assignment, Any, tuple[str, str]]] = {
    "placed": (Assignment({"b": 1, "a": 1}), WEB, ("True", "")),
    "no-placement": (Assignment(), (), ("False", "NoPlacement")),
    "no-target": (Assignment({}, reasons=("NotReady: 3 SyncTargets",)), WEB, ("False", "NoValidTarget")),
    "nothing-said": (Assignment({}), WEB, ("False", "NoValidTarget")),
    "no-room": (
        Assignment({}, unplaced=2, reasons=("NotReady: 1 SyncTargets", "InsufficientCapacity: no cpu")),
        WEB,
        ("False", "InsufficientCapacity"),
    ),
    "too-few": (Assignment({"a": 2}, unplaced=2, reasons=("Evicting: x",)), WEB, ("False", "TooFewTargets")),
    "no-room-for-all": (
        Assignment({"a": 2}, divided=True, unplaced=1, reasons=("InsufficientCapacity: no cpu",)),
        WEB,
        ("False", "InsufficientCapacity"),
    ),
}


@pytest.mark.parametrize(("assignment", "placements", "expected"), CASES.values(), ids=CASES)
def test_condition(assignment: Assignment, placements: Any, expected: tuple[str, str]) -> None:
    """True only with a target and nothing missing; the message names the targets and all causes."""
    found = verdict(assignment, placements, {"a": "east", "b": "west"}.get)  # type: ignore[arg-type]
    assert (found.status, found.reason) == expected
    for sentence in assignment.reasons:
        assert sentence.partition(": ")[2] in found.message
    if assignment.shares:
        assert "east" in found.message


def test_an_undecided_workload_is_unknown() -> None:
    """It says where to look."""
    assert undecided(WEB) == Verdict("Unknown", "PlacementNotReady", "see the condition Ready of Placement web")


def test_a_verdict_knows_whether_it_stands() -> None:
    """So that it is written only when it changed."""
    said = Verdict("True", "", "on east")
    entry = {"type": "Scheduled", "status": "True", "message": "on east"}
    assert said.stands_on({"status": {"conditions": [entry]}})
    assert not said.stands_on({"status": {"conditions": [{**entry, "message": "on west"}]}})
    assert not said.stands_on({})


def world_of(*targets: Target) -> World:
    world = World()
    for each in targets:
        world.put_target(each)
    world.put_location(Location("l", "default", {}, EVERYTHING))
    world.put_policy(Policy("p", EVERYTHING, name="web", location_cluster="l"))
    return world


LEFT: dict[str, tuple[dict[str, Any], str]] = {
    "drained": ({"evict_after": NOW}, "SyncTarget one is being drained"),
    "lost": (
        {"not_ready_since": NOW - timedelta(hours=1), "not_ready_message": "No heartbeat"},
        "SyncTarget one is not ready: No heartbeat",
    ),
    "policy": ({}, "SyncTarget one is no longer chosen by web"),
}


@pytest.mark.parametrize(("values", "cause"), LEFT.values(), ids=LEFT)
def test_cause_of_a_move(values: dict[str, Any], cause: str) -> None:
    """What speaks against the target that is left; where nothing does, the Placement changed."""
    world = world_of(Target("1", "l", "one", **values), Target("2", "l", "two"))
    workload = Workload("w", ("p",), current={"1": 1})
    assert cause_of_move(world, workload, ["2"], WEB, NOW) == cause


def test_cause_of_a_first_placement() -> None:
    """It comes from nowhere, gets more, or comes from a target that nobody knows any more."""
    world = world_of(Target("1", "l", "one"))
    assert cause_of_move(world, Workload("w", ("p",)), ["1"], WEB, NOW) == "placed by web"
    assert cause_of_move(world, Workload("w", ("p",), current={"1": 1}), ["1", "2"], WEB, NOW) == "more targets by web"
    assert cause_of_move(world, Workload("w", ("p",), current={"x": 1}), ["1"], WEB, NOW) == "its SyncTarget is gone"
