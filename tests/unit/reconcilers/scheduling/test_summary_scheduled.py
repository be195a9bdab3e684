"""What the condition Scheduled says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.reconcilers.scheduling.summary.step_scheduled import (
    Outcome,
    outcome_of,
    scheduled,
    scheduled_entry,
    undecided,
)
from headwater.scheduling.workload import Assignment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = "2 more cpu are needed on east"

CASES: dict[str, tuple[Outcome, str, str, str]] = {
    "placed": (Outcome(["east", "west"], ["web"]), "True", "Scheduled", "on east, west"),
    "many": (Outcome([f"t{n}" for n in range(10)], ["web"]), "True", "Scheduled", "t7 and 2 more"),
    "no-placement": (Outcome([], []), "False", "NoPlacement", "headwater bind compute"),
    "its-placement-is-gone": (Outcome(["east"], []), "True", "Scheduled", "on east"),
    "no-target": (
        Outcome([], ["web"], 3, ["east is cordoned"]),
        "False",
        "NoValidTarget",
        "no SyncTarget of web can run it: east is cordoned; `headwater explain`",
    ),
    "no-room": (
        Outcome([], ["web"], 3, [ROOM], for_room=True),
        "False",
        "InsufficientCapacity",
        f"{ROOM}; ask for less",
    ),
    "some-room": (
        Outcome(["east"], ["web"], 2, [ROOM], for_room=True),
        "False",
        "InsufficientCapacity",
        f"on east; 2 replicas have no place: {ROOM}; ask for less",
    ),
    "too-few-targets": (
        Outcome(["east"], ["web"], 1, ["west is cordoned"]),
        "False",
        "NoValidTarget",
        "on east; 1 replica has no place: west is cordoned; `headwater explain`",
    ),
    "on-too-few-targets": (
        Outcome(["east"], ["web"], 0, ["NoWeight: SyncTarget west has no weight"], short=1),
        "False",
        "NoValidTarget",
        "on east; replicas run on 1 SyncTarget fewer than targets.min: NoWeight: SyncTarget west has no weight; `head",
    ),
    "too-few-targets-and-no-room": (
        Outcome(["east"], ["web"], 2, [ROOM], for_room=True, short=2),
        "False",
        "InsufficientCapacity",
        f"on east; 2 replicas have no place and replicas run on 2 SyncTargets fewer than targets.min: {ROOM}; ask",
    ),
    "no-reason": (
        Outcome(["east"], ["web"], 1, for_room=True),
        "False",
        "InsufficientCapacity",
        "1 replica has no place; ask for less",
    ),
    "many-reasons": (Outcome([], ["web"], 1, list("abcde")), "False", "NoValidTarget", "it: a; b; c; `headwater"),
}


@pytest.mark.parametrize(("outcome", "status", "reason", "message"), CASES.values(), ids=CASES)
def test_scheduled(outcome: Outcome, status: str, reason: str, message: str) -> None:
    """True with the targets named, and never without one; False with what to do."""
    found = scheduled(outcome)
    assert found[:2] == (status, reason)
    assert message in found[2]


def test_the_entry_keeps_its_time_while_the_status_is_the_same() -> None:
    later = NOW + timedelta(minutes=1)
    obj: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert scheduled_entry(obj, None, NOW) is None
    first = scheduled_entry(obj, ("True", "Scheduled", "on east"), NOW)
    obj["status"] = {"conditions": [first]}
    assert scheduled_entry(obj, None, later) == first
    assert scheduled_entry(obj, ("True", "Scheduled", "on east"), later) == first
    moved = scheduled_entry(obj, ("True", "Scheduled", "on west"), later)
    assert moved == {**(first or {}), "message": "on west"}
    lost = scheduled_entry(obj, ("False", "NoValidTarget", "none"), later)
    assert lost is not None
    assert lost["lastTransitionTime"] == "2026-01-01T00:01:00Z"


def test_the_outcome_of_an_assignment() -> None:
    """Targets by name, those that are gone left out; capacity is what lacks when a sentence says so."""
    names = {"k1": "west", "k2": "east"}
    placed = Assignment({"k1": 1, "k2": 1, "gone": 1})
    assert outcome_of(placed, ["web"], lambda key: names.get(key, "")) == Outcome(["east", "west"], ["web"])
    room = f"InsufficientCapacity: {ROOM}"
    short = Assignment({}, unplaced=2, reasons=("Tainted: 2 SyncTargets", room))
    expected = Outcome([], ["web"], 2, ("Tainted: 2 SyncTargets", room), for_room=True)
    assert outcome_of(short, ["web"], names.__getitem__) == expected
    barred = Assignment({}, unplaced=2, reasons=("Tainted: 2 SyncTargets",))
    assert not outcome_of(barred, ["web"], names.__getitem__).for_room
    few = outcome_of(Assignment({"k1": 3, "k2": 0}, short=1), ["web"], names.__getitem__)
    assert (few.targets, few.short) == (["west"], 1)


def test_an_undecided_object_is_unknown() -> None:
    """It says where to look."""
    assert undecided(["web"]) == ("Unknown", "PlacementNotReady", "see the condition Ready of Placement web")
