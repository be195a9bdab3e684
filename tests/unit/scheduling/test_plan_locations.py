"""Plans for Locations that come or change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.scheduling.fleets import HERE, NOW, policy, target, workload, world

from headwater.machinery.labels import EVERYTHING, parse_selector
from headwater.scheduling.changes import PutLocation
from headwater.scheduling.model import Location
from headwater.scheduling.plan import Move, plan

WEB = "deployments.apps web"
NARROW = Location("loc", "default", {}, parse_selector("name=b"))


@pytest.mark.parametrize(
    ("location", "moves"),
    [
        (NARROW, [Move(WEB, {"key-a": 1}, {"key-b": 1}, "Location default is changed")]),
        (HERE, []),
        (Location("loc", "more", {}, EVERYTHING), []),
        (replace(NARROW, cluster="elsewhere"), []),
    ],
    ids=["narrowed", "as it was", "one more", "of another workspace"],
)
def test_what_a_location_moves(location: Location, moves: list[Move]) -> None:
    """What it does not hold any more has to go, if no other Location holds it; without a dip."""
    fleet = world(
        target("a", labels={"name": "a"}),
        target("b", labels={"name": "b"}),
        policy(current=("key-a",)),
        workload(WEB, current={"key-a": 1}),
    )
    found = plan(fleet, [PutLocation(location)], NOW)
    assert (list(found.moves), found.dips, found.unplaced) == (moves, (), ())
    assert fleet.locations("loc") == (HERE,)
