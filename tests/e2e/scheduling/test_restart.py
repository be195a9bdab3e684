"""Programs that die or stay away while workloads move, and a control plane that comes back after a while."""

from __future__ import annotations

import subprocess

import pytest
from tests.e2e.harness import wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import Stage

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("victim", ["hub", "source", "destination"])
def test_death_in_mid_move(stage: Stage, floor: ReadyFloor, victim: str) -> None:
    """A program is killed as soon as the first new pod is ready, and the move ends well when it is back."""
    name = f"mid-{victim}"
    tenant = stage.tenant(f"move-{victim}")
    tenant.place("all", "east")
    tenant.apply(manifests.deployment(name, 4))
    floor.hold(name, 4)
    tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["west"]}}})
    wait_for("the first pod", lambda: floor.where(name).get("west"))
    program = {"hub": "hub", "source": "syncer-east", "destination": "syncer-west"}[victim]
    stage.stack.programs[program].kill()
    assert floor.lowest(name) >= 4
    if victim == "hub":
        stage.start_hub()
    else:
        stage.stack.programs[program].start()
    tenant.runs(name, west=4)
    floor.check(**{name: 4})
    wait_for("nothing is left in the east", lambda: floor.where(name) == {"west": 4})


def test_a_hub_that_was_away_gives_nobody_up(stage: Stage, floor: ReadyFloor) -> None:
    """When the hub comes back all heartbeats are old. It was the hub that was lost: without any grace nothing moves."""
    tenant = stage.tenant("hub-away")
    names = ("east", "west", "north")
    tenant.place("all", *names, targets={"min": 1, "max": 2}, eviction={"graceSeconds": 0})
    tenant.apply(manifests.deployment("calm", 2))
    floor.hold("calm", 4)
    chosen = tenant.chosen()
    before = {name: tenant.identity(name, "calm") for name in chosen}
    since = [stage.heartbeat(name) for name in names]
    stage.stack.programs["hub"].stop()
    process = stage.syncer("east").process
    assert process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(7)  # The threshold is over, and the syncers have not given up.
    stage.start_hub()
    wait_for("all are heard", lambda: all(stage.heartbeat(name) not in since for name in names))
    for name in names:
        stage.ready(name)
    tenant.kubectl("scale", "deployment", "calm", "--replicas=3")
    tenant.runs("calm", **dict.fromkeys(chosen, 3))
    assert tenant.chosen() == chosen
    assert all(found.items() <= tenant.identity(name, "calm").items() for name, found in before.items())
    floor.check(calm=4)
