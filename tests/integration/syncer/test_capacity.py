"""What a SyncTarget says of its pcluster's capacity, while nodes, pods and rights come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import DEPLOYMENTS, NAMESPACES, PLURALS, Line

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.conditions import is_true
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name, resource_version, uid
from headwater.sim.faults import FaultSettings
from headwater.sim.nodepool import PoolChange
from headwater.syncer.capacity.report import CapacityReport

NODES = GroupVersionResource("", "v1", "nodes")
PODS = GroupVersionResource("", "v1", "pods")
WHOLE = {"cpu": "16", "memory": "64Gi", "pods": "220", "ephemeral-storage": "200Gi"}


async def reported(line: Line, allocatable: Mapping[str, str], capacity: Mapping[str, str] = WHOLE) -> None:
    """Wait until the SyncTarget reports this."""

    async def says_so() -> bool:
        status = (await line.sync_target())["status"]
        return (status.get("allocatable"), status.get("capacity")) == ({**WHOLE, **allocatable}, capacity)

    await eventually(says_so)


async def silent(line: Line) -> None:
    """Wait until the SyncTarget says nothing about capacity."""

    async def absent() -> bool:
        return not (await line.sync_target())["status"].keys() & {"allocatable", "capacity"}

    await eventually(absent)


def pod_spec(cpu: str, memory: str = "1Gi") -> Object:
    return {"containers": [{"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}


def foreign_pod(object_name: str, cpu: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": object_name}, "spec": pod_spec(cpu)}


async def test_what_others_run_there_is_not_ours_to_place(line: Line) -> None:
    """Pods that came another way take room; those of placed workloads are the control plane's to count."""
    await reported(line, {})
    pods = line.downstream.resource(PODS, "default")
    await pods.create(foreign_pod("theirs", "1500m"))
    others = {"cpu": "14500m", "memory": "63Gi", "pods": "219"}
    await reported(line, others)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod_spec("1")}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    deployments = line.workspace.resource(DEPLOYMENTS, "web")
    await deployments.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})

    async def running() -> bool:
        return ((await deployments.get("web")).get("status") or {}).get("readyReplicas") == 3

    await eventually(running)
    await pods.create(foreign_pod("also-theirs", "500m"))
    await reported(line, {"cpu": "14", "memory": "62Gi", "pods": "218"})
    await pods.delete("also-theirs")
    await pods.patch("theirs", {"status": {"phase": "Succeeded"}}, subresource="status")
    await reported(line, {})


async def test_nodes_that_take_no_pods_are_not_counted(line: Line) -> None:
    nodes = line.downstream.resource(NODES)
    first, second = sorted(name(each) for each in (await nodes.list())["items"])
    half = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    await nodes.patch(first, {"spec": {"unschedulable": True}})
    await reported(line, half)
    await nodes.patch(second, {"spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}})
    await reported(line, dict.fromkeys(WHOLE, "0"))
    await nodes.patch(first, {"spec": {"unschedulable": None}})
    await nodes.patch(second, {"status": {"capacity": {"vendor.io/gpu": "4"}}}, subresource="status")
    await reported(line, {**half, "vendor.io/gpu": "0"}, {**WHOLE, "vendor.io/gpu": "4"})
    await nodes.delete(second)
    await reported(line, half, half)
    await line.pcluster.nodes.set(PoolChange(nodes=3, capacity={"cpu": "2", "memory": "1Gi"}))
    grown = {"cpu": "6", "memory": "3Gi", "pods": "330", "ephemeral-storage": "300Gi"}
    await reported(line, grown, grown)


async def test_capacity_does_not_wait_for_a_heartbeat(line: Line) -> None:
    """It is fresh within seconds, when the pcluster changes and when the status does."""
    await line.stop_agent()
    line.options = replace(line.options, heartbeat_seconds=600)
    line.start_agent()
    await reported(line, {})
    await line.downstream.resource(PODS, "default").create(foreign_pod("theirs", "1"))
    await reported(line, {"cpu": "15", "memory": "63Gi", "pods": "219"})
    await line.workspace.resource(SYNC_TARGETS).patch_status("west", {"status": {"allocatable": {"cpu": "99"}}})
    await reported(line, {"cpu": "15", "memory": "63Gi", "pods": "219"})


async def test_the_first_heartbeat_says_what_there_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SyncTarget is never ready for newcomers before its pcluster's lists are there, or have been at some time."""
    await line.stop_agent()
    targets = line.workspace.resource(SYNC_TARGETS)
    lists_are_there, asked = CapacityReport.__dict__["settled"].fget, 0

    def settled(report: CapacityReport) -> bool:
        nonlocal asked
        asked += 1
        return asked > 5 and lists_are_there(report)

    async def first_heartbeat(**status: None) -> Object:
        before = await targets.patch_status("west", {"status": {"lastSyncerHeartbeatTime": None, **status}})
        watch = targets.watch(resource_version=resource_version(before), allow_bookmarks=False)
        line.start_agent()
        async with watch, asyncio.timeout(60):
            async for _, target in watch:
                if target["status"].get("lastSyncerHeartbeatTime"):
                    await line.stop_agent()
                    return target
        raise AssertionError("no heartbeat")

    monkeypatch.setattr(CapacityReport, "settled", property(settled))
    assert (await first_heartbeat(allocatable=None, capacity=None))["status"]["allocatable"] == WHOLE
    asked = -1_000_000
    assert (await first_heartbeat())["status"]["allocatable"] == WHOLE, "an earlier report is good enough"


async def test_without_rights_nothing_is_said(line: Line) -> None:
    """A pcluster's owner may keep nodes and pods to themselves; everything else works on."""
    await reported(line, {})
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role_name = syncer_id("west", uid(line.target))
    role = await roles.get(role_name)
    await roles.patch(role_name, {"rules": [rule for rule in role["rules"] if rule["resources"] != ["pods"]]})
    await line.stop_agent()
    line.start_agent()
    await silent(line)

    async def authorized() -> bool:
        target = await line.sync_target()
        return is_true(target, "SyncerAuthorized") and is_true(target, "Ready")

    await eventually(authorized)
    await roles.patch(role_name, {"rules": role["rules"]})
    await line.stop_agent()
    line.start_agent()
    await reported(line, {})
    await line.stop_agent()
    line.options = replace(line.options, report_capacity=False)
    line.start_agent()
    await silent(line)


async def test_rights_that_go_and_come_are_noticed(line: Line) -> None:
    """Within a minute. What can't be asked changes nothing: an unreachable pcluster has the capacity that it had."""
    assert line.options.to_kubeconfig is not None
    transport = NetworkTransport(load_file(line.options.to_kubeconfig).settings())
    clock = SkipClock()
    report = CapacityReport(
        ClusterClient(transport).cluster(""), is_ours=lambda _: False, ready=lambda: True, clock=clock
    )
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role_name = syncer_id("west", uid(line.target))
    role = await roles.get(role_name)
    shown = {"allocatable": {"cpu": "1", "gone.io/x": "1"}}

    async def says(expected: object) -> None:
        async def said() -> bool:
            clock.skip(10)
            found = report.changes(shown).get("allocatable", "nothing")
            return (found["cpu"] if isinstance(found, dict) else found) == expected

        await eventually(said)

    async with TaskGroup("test") as group:
        group.start(report.run())
        await says("16")
        assert report.changes(shown)["allocatable"]["gone.io/x"] is None
        line.pcluster.faults.set(FaultSettings(error_share=1))
        for _ in range(20):
            await says("16")
        line.pcluster.faults.set(FaultSettings())
        await roles.patch(role_name, {"rules": []})
        await says(None)
        await roles.patch(role_name, {"rules": role["rules"]})
        await says("16")
        group.cancel()
    await transport.close()
