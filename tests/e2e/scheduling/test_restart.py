"""Programs that die or stay away while workloads move, and a control plane that comes back after a while."""

from __future__ import annotations

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
    assert floor.where(name) == {"west": 4}
