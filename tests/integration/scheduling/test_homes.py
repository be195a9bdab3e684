"""Home targets and workloads stay together, however quickly Placements change."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import DEPLOYMENTS, Ground, deployment, eventually

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object, annotations
from headwater.server.options import ControllerOptions

UNTRIED = "internal.workload.kcp.io/synctarget-untried"


@pytest.mark.parametrize("ground", [ControllerOptions(move_rate=0.0001, move_burst=1)], indirect=True)
async def test_what_is_called_off_before_it_begins_moves_nothing(ground: Ground) -> None:
    """Home goes back to where the workload still is; once the workload has come along, home is kept."""
    space = await ground.workspace("quick")
    keys = {name: await space.target(name) for name in ("one", "two", "three")}

    async def select(*names: str) -> None:
        await space.resource(PLACEMENTS).patch("all", {"spec": {"syncTargetSelector": {"names": list(names)}}})

    async def decided(*names: str) -> str:
        """The home target, once it is one of these."""
        found = await eventually(
            lambda: space.resource(PLACEMENTS).get("all"),
            lambda obj: obj["status"]["decisions"][0]["syncTarget"] in names,
        )
        return str(found["status"]["decisions"][0]["syncTarget"])

    async def untried(key: str) -> Object:
        return await eventually(
            lambda: space.resource(PLACEMENTS).get("all"), lambda obj: annotations(obj).get(UNTRIED, "") == key
        )

    await space.place(syncTargetSelector={"names": ["one"]}, eviction={"strategy": "Immediate"})
    await space.chosen("one")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1))
    await space.holds(DEPLOYMENTS, "web", {keys["one"]: "Sync"})
    # Nothing is left to be written to it: a write that meets another would take its turn to move for nothing.
    await eventually(
        lambda: space.resource(DEPLOYMENTS, "default").get("web"),
        lambda obj: (get_condition(obj, "Scheduled") or {}).get("status") == "True",
    )
    await select("two")
    await space.holds(DEPLOYMENTS, "web", {keys["two"]: "Sync"})
    await space.chosen("two")
    await untried("")  # The workload is there. Nothing else may move for a long time.
    await select("one", "three")
    elsewhere = await decided("one", "three")
    await untried(keys[elsewhere])
    await select("two", elsewhere)
    await space.chosen("two")
    await untried("")
    await space.holds(DEPLOYMENTS, "web", {keys["two"]: "Sync"})
