"""Many targets silent at once or by turns, with hours passing: who is given up, who is not, and what a return does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.integration.scheduling.ground import DEPLOYMENTS, Ground, Space, deployment, eventually

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

THRESHOLD = 61
GRACE = 300


async def fleet(ground: Ground, names: Sequence[str]) -> tuple[Space, Space]:
    """A workspace with ready targets of these names, and one that places a Deployment on one of them at a time."""
    locations, user = await ground.workspace("locations", compute=False), await ground.workspace("user")
    for name in names:
        await locations.target(name)
    await user.place(locationWorkspace=locations.path)
    await user.resource(DEPLOYMENTS, "default").create(deployment("web"))
    return locations, user


async def pass_time(ground: Ground, locations: Space, seconds: float, alive: Sequence[str]) -> None:
    """Let time pass while these targets report at least twice in every threshold, and judge the others meanwhile."""
    left = seconds
    while left > 0:
        step = min(left, THRESHOLD / 2)
        await ground.skip(step)
        for name in alive:
            await locations.beat(name)
        left -= step


async def choice(user: Space) -> str:
    """The target that the Placement has."""
    found = await eventually(lambda: user.resource(PLACEMENTS).get("all"), lambda obj: obj["status"].get("decisions"))
    return str(found["status"]["decisions"][0]["syncTarget"])


async def lost(locations: Space, *names: str) -> None:
    """Wait until these targets are known to be silent."""
    for name in names:
        await locations.condition(SYNC_TARGETS, name, "Ready", "False")


async def test_flapping_below_the_grace_never_moves(ground: Ground) -> None:
    """Each silence is counted anew: five of nearly the whole grace are not one that is longer."""
    names = ("a", "b")
    locations, user = await fleet(ground, names)
    home = await choice(user)
    others = [name for name in names if name != home]
    for _ in range(5):
        await pass_time(ground, locations, THRESHOLD + GRACE - 30, others)
        await lost(locations, home)
        assert await choice(user) == home
        await locations.beat(home)
        await pass_time(ground, locations, 30, names)
    assert await choice(user) == home
    await user.holds(DEPLOYMENTS, "web", {locations.key(home): "Sync"})


async def test_a_return_after_the_loss_moves_nothing_back(ground: Ground) -> None:
    """Replaced once, though both change places in being lost: only a loss of the one in use moves the workload."""
    names = ("a", "b")
    locations, user = await fleet(ground, names)
    first = await choice(user)
    second = next(name for name in names if name != first)
    await pass_time(ground, locations, THRESHOLD + GRACE + 30, [second])
    await user.chosen(second)
    both = {locations.key(first): "Sync", locations.key(second): "Sync"}
    await user.holds(DEPLOYMENTS, "web", both)  # Nobody reports that it is ready on the second one.
    await locations.beat(first)
    await pass_time(ground, locations, GRACE, names)
    await user.chosen(second)
    await pass_time(ground, locations, THRESHOLD + GRACE + 30, [second])
    await lost(locations, first)
    await user.chosen(second)
    await user.holds(DEPLOYMENTS, "web", both)


@pytest.mark.parametrize("silent", [1, 2], ids=["one-of-five", "two-of-five"])
async def test_a_few_losses_are_replaced(ground: Ground, silent: int) -> None:
    """Less than half of the targets are lost: it is they who are at fault."""
    names = ("a", "b", "c", "d", "e")
    locations, user = await fleet(ground, names)
    home = await choice(user)
    others = [name for name in names if name != home]
    alive = others[silent - 1 :]
    await pass_time(ground, locations, THRESHOLD + GRACE + 30, alive)
    found = await eventually(lambda: choice(user), lambda name: name in alive)
    assert found != home


async def test_most_lost_at_once_are_not_given_up(ground: Ground) -> None:
    """More than half of a location workspace's targets are silent: the control plane is more likely at fault.

    Nothing moves onto the few that are left, and who has been heard again is used as before.
    """
    names = ("a", "b", "c", "d", "e")
    locations, user = await fleet(ground, names)
    home = await choice(user)
    alive = [name for name in names if name != home][:2]
    silent = [name for name in names if name not in alive]
    await pass_time(ground, locations, THRESHOLD + GRACE + 30, alive)
    await lost(locations, *silent)
    await pass_time(ground, locations, 1200, alive)
    assert await choice(user) == home
    await user.holds(DEPLOYMENTS, "web", {locations.key(home): "Sync"})
    for name in silent:
        if name != home:
            await locations.beat(name)
    await pass_time(ground, locations, GRACE + 30, [name for name in names if name != home])
    await eventually(lambda: choice(user), lambda name: name != home)
