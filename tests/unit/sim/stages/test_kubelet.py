"""Kubelet: the course of a pod's life by behaviour and time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, summary

from headwater.sim.changes import Emit, Patch, Plan
from headwater.sim.resources import BEHAVIOUR_ANNOTATION, RUN_SECONDS_ANNOTATION, START_SECONDS_ANNOTATION
from headwater.sim.stages import kubelet
from headwater.sim.stages.behaviour import Behaviour, Timing, behaviour_of
from headwater.sim.stages.pods import condition


def new_pod(image: str = "nginx", policy: str = "Always", notes: Obj | None = None, **metadata: Any) -> Obj:
    return {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "annotations": notes or {}, **metadata},
        "spec": {"nodeName": "n", "restartPolicy": policy, "containers": [{"name": "c", "image": image}]},
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def step(pod: Obj, seconds: float = 0.0, timing: Timing | None = None) -> Plan:
    now = NOW + timedelta(seconds=seconds)
    return kubelet.plan(pod, now, timing=timing or Timing(), host_ip="h", take_address=lambda: "10.0.0.9")


def after(pod: Obj, plan: Plan) -> Obj:
    """The pod with the status that the plan writes."""
    for change in plan.changes:
        if isinstance(change, Emit):
            continue
        assert isinstance(change, Patch)
        pod = {**pod, "status": {**pod["status"], **change.body["status"]}}
    return pod


def container(pod: Obj) -> Obj:
    return dict(pod["status"]["containerStatuses"][0])


def test_a_pod_starts_at_once() -> None:
    """Running and ready, with addresses and a container id, in one write."""
    pod = after(new_pod(), step(new_pod()))
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"] == "10.0.0.9"
    assert pod["status"]["hostIP"] == "h"
    assert pod["status"]["qosClass"] == "BestEffort"
    assert {one["type"]: one["status"] for one in pod["status"]["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert container(pod)["state"] == {"running": {"startedAt": "2026-01-01T12:00:00Z"}}
    assert container(pod)["containerID"].startswith("sim://")
    assert step(pod, 100).changes == ()


def test_starting_takes_the_time_it_is_told() -> None:
    """Until then containers are being created."""
    timing = Timing(start_seconds=5)
    plan = step(new_pod(), timing=timing)
    pod = after(new_pod(), plan)
    assert plan.again_in_seconds == 5
    assert container(pod)["state"]["waiting"]["reason"] == "ContainerCreating"
    assert step(pod, 3, timing).again_in_seconds == 2
    assert after(pod, step(pod, 5, timing))["status"]["phase"] == "Running"


def test_init_containers_are_done_first() -> None:
    """Ordinary ones have ended, sidecars run."""
    pod = new_pod()
    pod["spec"]["initContainers"] = [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}]
    creating = after(pod, step(pod, timing=Timing(start_seconds=1)))
    assert creating["status"]["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    first, second = after(pod, step(pod))["status"]["initContainerStatuses"]
    assert first["state"]["terminated"]["exitCode"] == 0
    assert "running" in second["state"]


def test_a_crashing_pod_backs_off_longer_each_time() -> None:
    """CrashLoopBackOff after 10, 20, 40 … seconds, 300 at most."""
    pod = after(new_pod("fail/crash"), step(new_pod("fail/crash")))
    seconds = 0.0
    for restarts, wait in enumerate([10, 20, 40, 80, 160, 300, 300]):
        assert container(pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert container(pod)["restartCount"] == restarts
        assert step(pod, seconds + 1).again_in_seconds == wait - 1
        seconds += wait
        pod = after(pod, step(pod, seconds))


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_pods_that_may_end_succeed(policy: str) -> None:
    """After their running time."""
    plan = step(new_pod(policy=policy))
    pod = after(new_pod(policy=policy), plan)
    assert plan.again_in_seconds == 1
    assert step(pod, 0.5).again_in_seconds == 0.5
    done = after(pod, step(pod, 2))
    assert done["status"]["phase"] == "Succeeded"
    assert container(done)["state"]["terminated"]["reason"] == "Completed"
    assert condition(done, "Ready")["reason"] == "PodCompleted"  # type: ignore[index]
    assert step(done, 9).changes == ()


def test_a_crash_that_may_not_be_repeated_is_a_failure() -> None:
    """restartPolicy Never: phase Failed, exit code 1."""
    pod = after(new_pod("fail/crash", "Never"), step(new_pod("fail/crash", "Never")))
    assert pod["status"]["phase"] == "Failed"
    assert container(pod)["state"]["terminated"]["exitCode"] == 1


def test_images_that_are_missing_and_pods_that_stay_unready() -> None:
    """They stay like that."""
    pulling = after(new_pod("fail/pull:1"), step(new_pod("fail/pull:1")))
    assert pulling["status"]["phase"] == "Pending"
    assert container(pulling)["state"]["waiting"]["reason"] == "ImagePullBackOff"
    unready = after(new_pod("fail/unready"), step(new_pod("fail/unready")))
    assert unready["status"]["phase"] == "Running"
    assert condition(unready, "Ready")["reason"] == "ContainersNotReady"  # type: ignore[index]
    assert step(unready, 9).changes == ()


def test_deletion_ends_after_the_stop_latency() -> None:
    """But no later than the grace period allows."""
    leaving = new_pod(deletionTimestamp="2026-01-01T12:00:30Z", deletionGracePeriodSeconds=30)
    assert summary(step(leaving).changes) == [("delete", "pods", "p")]
    timing = Timing(stop_seconds=10)
    assert step(leaving, 4, timing).again_in_seconds == 6
    assert summary(step(leaving, 10, timing).changes) == [("delete", "pods", "p")]
    hurried = new_pod(deletionTimestamp=ago(0), deletionGracePeriodSeconds=0)
    assert summary(step(hurried, 0, timing).changes) == [("delete", "pods", "p")]


@pytest.mark.parametrize(
    ("image", "notes", "expected"),
    [
        ("nginx", {}, Behaviour("run", 1, 2)),
        ("fail/anything", {}, Behaviour("crash", 1, 2)),
        ("fail/pull:v1", {}, Behaviour("pull", 1, 2)),
        ("fail/crash", {BEHAVIOUR_ANNOTATION: "run"}, Behaviour("run", 1, 2)),
        ("nginx", {BEHAVIOUR_ANNOTATION: "unready"}, Behaviour("unready", 1, 2)),
        ("nginx", {BEHAVIOUR_ANNOTATION: "dance"}, Behaviour("run", 1, 2)),
        ("nginx", {START_SECONDS_ANNOTATION: "0.5s", RUN_SECONDS_ANNOTATION: "7"}, Behaviour("run", 0.5, 7)),
        ("nginx", {START_SECONDS_ANNOTATION: "soon", RUN_SECONDS_ANNOTATION: "-1"}, Behaviour("run", 1, 2)),
    ],
)
def test_behaviour(image: str, notes: Obj, expected: Behaviour) -> None:
    """Annotations decide over images; what can't be read is ignored."""
    assert behaviour_of(new_pod(image, notes=notes), Timing(start_seconds=1, run_seconds=2)) == expected
