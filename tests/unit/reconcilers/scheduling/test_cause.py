"""Why a workload moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.machinery.labels import EVERYTHING
from headwater.reconcilers.scheduling.resource.cause import cause_of_move
from headwater.scheduling.model import Location, Policy, Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEB = ({"metadata": {"name": "web"}},)


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
