"""Many changes in any order and in mid-move, programs that die among them: no workload dips, and all comes to rest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping

import pytest
from tests.e2e.harness import wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import PCLUSTERS, Stage, Tenant, condition, notes_of, states

pytestmark = pytest.mark.e2e
SEED = 20261126
ROUNDS = 24
SPACES = ("single", "twice", "shared")
TAINT = {"key": "rounds", "value": "", "effect": "NoExecute"}


class Owner:
    """The platform team, in a hurry: takes pclusters out of use and back, and never more than one at a time."""

    def __init__(self, stage: Stage, floor: ReadyFloor, dice: random.Random) -> None:
        self._stage = stage
        self._floor = floor
        self._dice = dice
        self._out = ""

    def act(self) -> None:
        """Take one out while all are in use, else bring that one back."""
        if self._out:
            self._floor.note(f"back: {self._out}")
            self._stage.change(self._out, unschedulable=False, evictAfter=None, taints=None)
            self._out = ""
            return
        self._out = self._dice.choice(PCLUSTERS)
        how: Mapping[str, object] = self._dice.choice(
            (
                {"unschedulable": True, "evictAfter": "2020-01-01T00:00:00Z"},
                {"taints": [TAINT]},
                {"unschedulable": True},
            )
        )
        self._floor.note(f"out: {self._out} {how}")
        self._stage.change(self._out, **how)

    def interrupt(self) -> None:
        """Kill a syncer and start it at once."""
        name = self._dice.choice(PCLUSTERS)
        self._floor.note(f"kill: {name}")
        self._stage.syncer(name).kill()
        self._stage.syncer(name).start()


class User:
    """Who changes where things may run, and never what must be ready."""

    def __init__(self, tenant: Tenant, floor: ReadyFloor, dice: random.Random) -> None:
        self._tenant = tenant
        self._floor = floor
        self._dice = dice

    def act(self) -> None:
        """Another set of pclusters, or other weights."""
        if self._dice.random() < 0.5:
            names = sorted(self._dice.sample(PCLUSTERS, 2))
            self._floor.note(f"single: {names}")
            self._tenant.api.patch("placements", "single", {"spec": {"locationSelector": {"names": names}}})
        else:
            weights = {name: self._dice.randint(1, 3) for name in PCLUSTERS}
            self._floor.note(f"shared: {weights}")
            self._tenant.api.patch("placements", "shared", {"spec": {"replicas": {"weights": weights}}})


def settled(tenant: Tenant, floor: ReadyFloor) -> bool:
    """Whether each workload runs exactly where its Placement says, with as many pods as asked for."""
    single, twice, shared = (floor.where(name) for name in SPACES)
    return (
        single == dict.fromkeys(tenant.chosen("single"), 2)
        and twice == dict.fromkeys(tenant.chosen("twice"), 2)
        and sorted(shared) == tenant.chosen("shared")
        and sum(shared.values()) == 6
    )


def whereabouts(stage: Stage, tenant: Tenant, floor: ReadyFloor) -> str:
    """What is where, so that a test that did not come to rest can be understood from its log."""
    names = {key: name for name, key in stage.keys.items()}
    found: list[object] = [
        {"target": each["metadata"]["name"], "spec": each["spec"], "ready": condition(each, "Ready")}
        for each in stage.platform.list("synctargets")
    ]
    for name in SPACES:
        workload = tenant.api.find("deployments", name, name)
        found.append(
            {
                "placement": (tenant.api.find("placements", name) or {}).get("spec"),
                "home": tenant.chosen(name),
                "ready": floor.where(name),
                "states": {names.get(key, key): state for key, state in states(workload).items()},
                "scheduled": condition(workload, "Scheduled"),
                "moves": notes_of(workload).get("scheduling.kcp.io/history"),
            }
        )
    return "\n".join(json.dumps(each) for each in found) + "\n" + floor.story()


def rest(what: str, stage: Stage, tenant: Tenant, floor: ReadyFloor) -> None:
    """Wait until all is settled; the failure says what is where."""
    try:
        wait_for(what, lambda: settled(tenant, floor), 60.0)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{whereabouts(stage, tenant, floor)}") from None


@pytest.fixture
def user(stage: Stage) -> Iterator[Tenant]:
    """A workspace with a workload on one pcluster, one on two, and one whose replicas are divided."""
    tenant = stage.tenant("rounds")
    select: Callable[[str], manifests.Object] = lambda name: {"matchLabels": {"kubernetes.io/metadata.name": name}}  # noqa: E731
    tenant.apply(*(manifests.namespace(each) for each in SPACES))
    tenant.place("single", "east", "west", namespaceSelector=select("single"))
    tenant.place("twice", namespaceSelector=select("twice"), targets={"min": 2, "max": 2})
    tenant.place(
        "shared", namespaceSelector=select("shared"), targets={"min": 1, "max": 3}, replicas={"mode": "Divided"}
    )
    replicas = {"single": 2, "twice": 2, "shared": 6}
    tenant.apply(*(manifests.deployment(name, replicas[name], namespace=name) for name in SPACES))
    yield tenant


def test_rounds_of_changes(stage: Stage, user: Tenant, floor: ReadyFloor) -> None:
    """Drains, taints, cordons, other policies and killed syncers, before the last move is over or after it."""
    asked = {"single": 2, "twice": 4, "shared": 6}
    for name, replicas in asked.items():
        floor.hold(name, replicas)
    rest("settled", stage, user, floor)
    dice = random.Random(SEED)
    owner, tenant = Owner(stage, floor, dice), User(user, floor, dice)
    for _ in range(ROUNDS):
        dice.choice((owner.act, owner.act, tenant.act, tenant.act, owner.interrupt))()
        if dice.random() < 0.5:
            rest("settled", stage, user, floor)
        floor.check(**asked)
    stage.restore()
    rest("settled in the end", stage, user, floor)
    floor.check(**asked)
