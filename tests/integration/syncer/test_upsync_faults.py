"""What came up stays up while the pcluster can't be asked, and is what it should be after trouble."""

from __future__ import annotations

import pytest
from tests.integration.servers import eventually
from tests.integration.syncer.conftest import DEPLOYMENTS, Line
from tests.integration.syncer.test_faults import restart_control_plane
from tests.integration.syncer.test_upsync import PODS, named, running, started

from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object, name, uid
from headwater.sim.faults import FaultSettings


async def test_a_pcluster_that_is_cut_off_loses_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a syncer that starts meanwhile, and knows nothing of the pcluster, takes nothing back."""
    monkeypatch.setattr("headwater.sim.faults._PARTITION_SECONDS", 0.1)
    monkeypatch.setattr("headwater.syncer.target.follow.UNREACHABLE_SECONDS", 1.0)
    await started(line, 2)
    before = await running(line, 2)
    await line.stop_agent()
    line.pcluster.faults.set(FaultSettings(partition=True))
    line.start_agent()

    async def says_so() -> bool:
        condition = get_condition(await line.sync_target(), "SyncerReady")
        return condition is not None and condition.get("reason") == "PClusterUnreachable"

    await eventually(says_so)
    kept = await named(line.workspace.resource(PODS, "web"), 2)
    assert {each: uid(pod) for each, pod in kept.items()} == {each: uid(pod) for each, pod in before.items()}
    line.pcluster.faults.set(FaultSettings())
    await line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": 1}})
    [left] = (await running(line, 1)).values()
    assert uid(left) == uid(before[name(left)])


async def test_requests_that_fail_at_random_do_no_harm(line: Line) -> None:
    """In the end both sides have the same pods, and those that stayed are still the same objects."""
    below = await started(line, 3)
    before = await running(line, 3)
    line.pcluster.faults.set(FaultSettings(error_share=0.4))
    for replicas in (5, 2, 4):
        await line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": replicas}})
        await named(line.downstream.resource(PODS, below), replicas)
    line.pcluster.faults.set(FaultSettings())

    async def both_alike() -> dict[str, Object] | None:
        after = await running(line, 4)
        local = await named(line.downstream.resource(PODS, below), 4)
        return after if after.keys() == local.keys() else None

    after = await eventually(both_alike)
    assert all(uid(after[each]) == uid(before[each]) for each in after.keys() & before.keys())


async def test_a_control_plane_that_restarts_finds_its_pods(durable_line: Line) -> None:
    """The same objects are there, and what happened meanwhile is told afterwards."""
    await started(durable_line, 2)
    before = await running(durable_line, 2)
    await restart_control_plane(durable_line, empty=False)
    durable_line.workspace = durable_line.control_plane.client.cluster(durable_line.cluster)
    assert (await running(durable_line, 2)).keys() == before.keys()
    await durable_line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": 3}})
    after = await running(durable_line, 3)
    assert all(uid(after[each]) == uid(before[each]) for each in before)
