"""Where home is when workloads are elsewhere: what is called off moves nothing, and what was tried is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scheduling.fleets import NOW, policy, put, target, workload, world

from headwater.scheduling.arrays import micros
from headwater.scheduling.assign import assign
from headwater.scheduling.home import at_home, choose_home, pick_home
from headwater.scheduling.model import Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

EAST, WEST, NORTH = "key-east", "key-west", "key-north"
NAMES = ("east", "west", "north")
ON_EAST = workload("web", current={EAST: 1})
GONE: dict[str, Any] = {"evict_after": NOW}
CORDONED: dict[str, Any] = {"unschedulable": True}


def fleet(workloads: tuple[Workload, ...], changed: dict[str, dict[str, Any]], **values: Any) -> World:
    """East, west and north, changed as said, with one policy and workloads."""
    targets = [target(name, **changed.get(name, {})) for name in NAMES]
    return world(*targets, policy(**values), *workloads)


def home(made: World) -> tuple[list[str], frozenset[str]]:
    """Keys of the home targets of the policy, sorted, and those of them that are untried."""
    found = made.policy("p1")
    assert found is not None
    picked = pick_home(made, found, micros(NOW))
    settled = at_home(found, picked)
    made.put_policy(settled)
    again = pick_home(made, settled, micros(NOW))
    assert (again.keys, again.untried) == (settled.current, settled.untried), "deciding again changes nothing"
    return sorted(settled.current), settled.untried


UNTRIED = {"current": (WEST,), "untried": frozenset({WEST})}
CASES: dict[str, tuple[tuple[Workload, ...], dict[str, dict[str, Any]], dict[str, Any], list[str], set[str]]] = {
    "a move that was called off before it began": ((ON_EAST,), {}, UNTRIED, [EAST], set()),
    "workloads stay on what is cordoned": ((ON_EAST,), {"east": CORDONED}, UNTRIED, [EAST], set()),
    "the move is still wanted": ((ON_EAST,), {"east": GONE}, UNTRIED, [WEST], {WEST}),
    "one of them has come": (
        (ON_EAST, workload("api", current={WEST: 1})), {}, UNTRIED, [WEST], set(),
    ),
    "what was tried is kept without workloads": ((ON_EAST,), {}, {"current": (WEST,)}, [WEST], set()),
    "cordoned before anything came": (
        (ON_EAST,), {"east": GONE, "west": CORDONED}, UNTRIED, [NORTH], {NORTH},
    ),
    "cordoned before anything came, and nothing else": (
        (ON_EAST,), {"east": GONE, "west": CORDONED, "north": CORDONED}, UNTRIED, [WEST], {WEST},
    ),
    "chosen anew: where they run": (
        (workload("web", current={NORTH: 1}),), {"east": GONE}, {"current": (EAST,)}, [NORTH], set(),
    ),
    "where only some of them run is nothing special": (
        (workload("web", current={EAST: 1}), workload("api", current={EAST: 1, NORTH: 1})),
        {"east": GONE, "north": CORDONED}, {"current": (EAST,)}, [WEST], {WEST},
    ),
    "another policy has a say": (
        (workload("web", "p0", "p1", current={EAST: 1}),), {}, UNTRIED, [WEST], {WEST},
    ),
    "no workload runs yet": (
        (workload("web"),), {"east": GONE}, {"current": (EAST,), "maximum": 2}, [NORTH, WEST], set(),
    ),
    "what has no replicas runs nowhere": (
        (ON_EAST, workload("done", replicas=0, current={WEST: 0})), {}, UNTRIED, [EAST], set(),
    ),
    "one of two": (
        (workload("web", current={EAST: 1, NORTH: 1}),), {},
        {"current": (NORTH, WEST), "untried": frozenset({WEST}), "maximum": 2}, [EAST, NORTH], set(),
    ),
    "an untried one more that takes nothing is none": (
        (ON_EAST,), {"west": CORDONED, "north": GONE},
        {"current": (EAST, WEST), "untried": frozenset({WEST}), "maximum": 3}, [EAST], set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("workloads", "changed", "values", "expected", "untried"), CASES.values(), ids=CASES)
def test_home(
    workloads: tuple[Workload, ...],
    changed: dict[str, dict[str, Any]],
    values: dict[str, Any],
    expected: list[str],
    untried: set[str],
) -> None:
    """Home is where the workloads are as long as none of them has come to another one."""
    assert home(fleet(workloads, changed, **values)) == (expected, untried)


def test_quick_changes_of_a_policy_part_nothing() -> None:
    """East or west, then west or north, then west or east, before anything moved: home and workload are in the east."""
    made = fleet((ON_EAST,), {}, current=(EAST,), location_names=frozenset())

    def select(*names: str) -> None:
        known = made.policy("p1")
        assert known is not None
        made.put_policy(replace(known, target_names=frozenset(names)))

    select("east", "west")
    assert home(made) == ([EAST], frozenset())
    select("west", "north")
    [elsewhere], untried = home(made)
    assert untried == {elsewhere}
    assert set(assign(made, "web", NOW).shares) == {elsewhere}, "where the workload is on its way to"
    select("east", elsewhere.removeprefix("key-"))
    assert home(made) == ([EAST], frozenset())
    assert set(assign(made, "web", NOW).shares) == {EAST}


def test_why_home_is_not_on_an_untried_target() -> None:
    """Refused as one that would have to come, since nothing of it is there."""
    made = fleet((ON_EAST,), {"east": GONE, "west": CORDONED}, **UNTRIED)
    decision = choose_home(made, "p1", NOW)
    assert [pick.target.name for pick in decision.picks] == ["north"]
    assert {each.target.name: each.reason for each in decision.rejections} == {
        "east": "Evicting",
        "west": "Unschedulable",
    }


def test_ground_follows_every_change() -> None:
    """Workloads that come, move, are selected by others, and go."""
    made = fleet((), {})
    ground = made.ground
    steps: tuple[tuple[Workload | Target, int, list[str]], ...] = (
        (ON_EAST, 1, [EAST]),
        (workload("api", current={EAST: 1, WEST: 1}), 2, [EAST]),
        (workload("web", current={WEST: 1}), 2, [WEST]),
        (workload("web", "p0", "p1", current={WEST: 1}), 2, []),
        (workload("web", "p0", current={WEST: 1}), 1, [EAST, WEST]),
        (workload("web", current={WEST: 1}), 2, [WEST]),
    )
    for value, running, common in steps:
        put(made, value)
        assert (ground.running("p1"), ground.common("p1")) == (running, common)
    copy = made.fork().ground
    made.drop_workload("web")
    made.drop_workload("api")
    assert (ground.running("p1"), ground.common("p1"), ground.runs_on("p1", WEST)) == (0, [], False)
    assert (copy.running("p1"), copy.common("p1"), copy.runs_on("p1", WEST)) == (2, [WEST], True)
