"""Nodes, scheduling and kubelets of a simulated pcluster."""

from __future__ import annotations

import pytest
from tests.integration.sim.pclusters import Driver, condition, is_running, pod

from headwater.base.clock import SystemClock
from headwater.client.kubeconfig import load_file
from headwater.controller.events import EVENTS, EventWriter, Notice
from headwater.sim.pcluster import PCluster
from headwater.sim.resources import LEASES, NODES, PODS


async def test_nodes_say_that_they_are_simulated(driver: Driver) -> None:
    """Version, role, label, system image: whatever column a person looks at."""
    nodes = (await driver.resource(NODES, "").list())["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["east-node-1", "east-node-2", "east-node-3"]
    for node in nodes:
        assert node["metadata"]["labels"]["headwater.io/simulated"] == "true"
        assert "node-role.kubernetes.io/simulated" in node["metadata"]["labels"]
        assert node["status"]["nodeInfo"]["kubeletVersion"].endswith("-headwater-sim")
        assert condition(node, "Ready")["status"] == "True"


async def test_the_version_says_so_too(driver: Driver) -> None:
    """`kubectl version` shows it."""
    version = await driver.pcluster.client().cluster("").get_json("/version")
    assert version["gitVersion"].endswith("+headwater-sim")


async def test_a_pod_that_fits_nowhere_waits_for_room(driver: Driver) -> None:
    """It says why, and runs as soon as another one goes."""
    for number in range(3):
        await driver.create(PODS, pod(f"big-{number}", requests={"cpu": "7"}))
    await driver.until_count(PODS, 3, is_running)
    await driver.create(PODS, pod("late", requests={"cpu": "2"}))
    waiting = await driver.until(PODS, "late", lambda obj: condition(obj, "PodScheduled"))
    assert condition(waiting, "PodScheduled")["reason"] == "Unschedulable"
    assert condition(waiting, "PodScheduled")["message"] == "0/3 nodes are available: 3 Insufficient cpu."
    await driver.resource(PODS).delete("big-1")
    await driver.until(PODS, "late", is_running)


async def test_a_cordoned_pcluster_takes_no_pods(driver: Driver) -> None:
    """Cordon all nodes, then one is uncordoned."""
    nodes = driver.resource(NODES, "")
    for number in (1, 2, 3):
        await nodes.patch(f"east-node-{number}", {"spec": {"unschedulable": True}})
    await driver.create(PODS, pod("p"))
    waiting = await driver.until(PODS, "p", lambda obj: condition(obj, "PodScheduled"))
    assert "3 node(s) were unschedulable" in condition(waiting, "PodScheduled")["message"]
    await nodes.patch("east-node-3", {"spec": {"unschedulable": None}})
    running = await driver.until(PODS, "p", is_running)
    assert running["spec"]["nodeName"] == "east-node-3"


async def test_an_evicted_pod_ends(driver: Driver) -> None:
    """As `kubectl drain` does it."""
    await driver.create(PODS, pod("p"))
    await driver.until(PODS, "p", is_running)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": "default"}}
    await driver.resource(PODS).create_subresource("p", "eviction", eviction)
    await driver.until_gone(PODS, "p")


@pytest.mark.parametrize(
    ("image", "reason"), [("fail/pull", "ImagePullBackOff"), ("fail/crash", "CrashLoopBackOff")], ids=["pull", "crash"]
)
async def test_images_can_fail(driver: Driver, image: str, reason: str) -> None:
    """The container waits, with the reason that a kubelet gives."""
    await driver.create(PODS, pod("p", image=image))

    def waits(obj: dict[str, object]) -> bool:
        return reason in str(obj.get("status") or {})

    broken = await driver.until(PODS, "p", waits)
    assert broken["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
    assert not is_running(broken)


async def test_a_pod_can_stay_unready(driver: Driver) -> None:
    """It runs, and its Ready condition stays False."""
    await driver.create(PODS, pod("p", image="fail/unready"))
    running = await driver.until(PODS, "p", lambda obj: (obj.get("status") or {}).get("phase") == "Running")
    assert condition(running, "Ready")["status"] == "False"


async def test_logs(driver: Driver) -> None:
    """They tell what happened."""
    await driver.create(PODS, pod("p", restartPolicy="Never"))
    await driver.until(PODS, "p", lambda obj: (obj.get("status") or {}).get("phase") == "Succeeded")
    answer = await driver.pcluster.client().cluster("").raw("GET", "/api/v1/namespaces/default/pods/p/log")
    lines = answer.body.decode().splitlines()
    assert lines[0].startswith("simulated container main started from nginx on east-node-")
    assert lines[1] == "simulated container main ended with code 0"


async def test_a_pod_that_does_not_run_can_not_be_connected_to(driver: Driver) -> None:
    """exec, attach and port-forward say why."""
    await driver.create(PODS, pod("p", nodeName="nowhere"))
    plain = driver.pcluster.client().cluster("")
    for subresource in ("exec", "attach", "portforward"):
        answer = await plain.raw("POST", f"/api/v1/namespaces/default/pods/p/{subresource}")
        assert answer.status == 400
        assert b"container not found" in answer.body or b"completed pod" in answer.body


async def test_nodes_have_leases(driver: Driver) -> None:
    """As kubelets renew them."""
    lease = await driver.until(LEASES, "east-node-1", lambda _: True, space="kube-node-lease")
    assert lease["spec"]["holderIdentity"] == "east-node-1"


async def test_events_tell_what_went_wrong(driver: Driver) -> None:
    """A pod that fits nowhere, and one that crashes; what repeats is counted."""
    await driver.create(PODS, pod("late", requests={"cpu": "99"}))
    await driver.create(PODS, pod("bad", image="fail/crash"))
    events = await driver.until_count(EVENTS, 2, lambda obj: obj["type"] == "Warning")
    assert {(event["involvedObject"]["name"], event["reason"]) for event in events} == {
        ("late", "FailedScheduling"),
        ("bad", "BackOff"),
    }
    known = next(event for event in events if event["reason"] == "BackOff")
    regarding = await driver.resource(PODS).get("bad")
    client = driver.pcluster.client().cluster("")
    writer = EventWriter(lambda _obj: client, clock=SystemClock())
    await writer.write(Notice(regarding, "BackOff", known["message"], warning=True), "kubelet")
    assert (await driver.resource(EVENTS).get(known["metadata"]["name"]))["count"] == known["count"] + 1


async def test_the_kubeconfig_reaches_the_pcluster(pcluster: PCluster) -> None:
    """Its server is where the pcluster listens."""
    settings = load_file(pcluster.kubeconfig_path).settings()
    assert settings.server == pcluster.url
