"""Small worlds for tests: one logical cluster of locations, all targets in a Location that selects everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headwater.machinery.labels import EVERYTHING
from headwater.scheduling.home import choose_home
from headwater.scheduling.model import Location, Policy, Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Location("loc", "default", {}, EVERYTHING)


def target(name: str, **values: Any) -> Target:
    """A SyncTarget whose key is `key-<name>`; keywords that name a resource are what it can bear."""
    limits = {resource: values.pop(resource) for resource in ("cpu", "memory", "pods") if resource in values}
    return Target(key=f"key-{name}", cluster="loc", name=name, allocatable=limits or None, **values)


def policy(uid: str = "p1", **values: Any) -> Policy:
    """A Placement that may use all of them."""
    return Policy(uid=uid, name=uid, location_selector=EVERYTHING, location_cluster="loc", **values)


def workload(name: str = "web", *policies: str, **values: Any) -> Workload:
    """A workload of one cpu for each replica, selected by the policy p1 unless others are named."""
    return Workload(id=name, policies=policies or ("p1",), **{"request": {"cpu": 1}, **values})


def world(*values: Target | Policy | Workload | Location) -> World:
    """A world of these values."""
    made = World()
    made.put_location(HERE)
    for value in values:
        put(made, value)
    return made


def put(made: World, value: Target | Policy | Workload | Location) -> None:
    """Add or replace one value."""
    if isinstance(value, Target):
        made.put_target(value)
    elif isinstance(value, Location):
        made.put_location(value)
    elif isinstance(value, Policy):
        made.put_policy(value)
    else:
        made.put_workload(value)


def settle_homes(made: World, now: datetime = NOW) -> None:
    """Give each policy its home targets, as the Placement controller does."""
    for each in made.policies():
        picks = choose_home(made, each.uid, now).picks
        made.put_policy(replace(each, current=tuple(pick.target.key for pick in picks)))
