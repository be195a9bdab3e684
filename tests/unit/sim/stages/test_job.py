"""Job: completions, parallelism, limits, suspension and the time after."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sim.stages.things import NOW, Obj, ago, owner, pod, status_of, template, without_status

from headwater.sim.stages import job

CREATE = ("create", "pods", "web-")


def a_job(status: Obj | None = None, **spec: Any) -> Obj:
    return owner("Job", {"template": template(), **spec}, status)


def done(number: int) -> list[Obj]:
    return [pod(f"s{index}", phase="Succeeded") for index in range(number)]


def failed(number: int) -> list[Obj]:
    return [pod(f"f{index}", phase="Failed") for index in range(number)]


RUNNING = pod("run", ready=True)
CASES: dict[str, tuple[Obj, list[Obj], list[Any]]] = {
    "one pod": (a_job(), [], [CREATE]),
    "as many as may run": (a_job(completions=5, parallelism=2), [], [CREATE, CREATE]),
    "no more than are missing": (a_job(completions=3, parallelism=2), done(2), [CREATE]),
    "a failed pod is tried again": (a_job(), failed(1), [CREATE]),
    "not after too many failures": (a_job(backoffLimit=1), [*failed(2), RUNNING], [("delete", "pods", "run")]),
    "enough is enough": (a_job(completions=2), done(2), []),
    "a work queue fills up": (a_job(parallelism=2), [], [CREATE, CREATE]),
    "a work queue ends with the first success": (a_job(parallelism=2), [*done(1), RUNNING], []),
    "suspended": (a_job(suspend=True), [RUNNING], [("delete", "pods", "run")]),
    "less parallelism": (a_job(completions=9, parallelism=1), [RUNNING, pod("b")], [("delete", "pods", "b")]),
    "over the deadline": (
        a_job({"startTime": ago(20)}, activeDeadlineSeconds=10),
        [RUNNING],
        [("delete", "pods", "run")],
    ),
}


@pytest.mark.parametrize(("obj", "pods", "expected"), CASES.values(), ids=CASES.keys())
def test_pods(obj: Obj, pods: list[Obj], expected: list[Any]) -> None:
    """What is made and deleted."""
    assert without_status(job.plan(obj, pods, NOW).changes) == expected


ENDINGS = {
    "complete": (a_job(completions=1), done(1), {"SuccessCriteriaMet", "Complete"}, {"succeeded": 1}),
    "work queue": (a_job(parallelism=2), done(1), {"SuccessCriteriaMet", "Complete"}, {"succeeded": 1}),
    "failed": (a_job(backoffLimit=0), failed(1), {"Failed"}, {"failed": 1}),
    "suspended": (a_job(suspend=True), [], {"Suspended"}, {}),
    "running": (a_job(), [RUNNING], set(), {"active": 1, "ready": 1}),
}


@pytest.mark.parametrize(("obj", "pods", "conditions", "counts"), ENDINGS.values(), ids=ENDINGS.keys())
def test_status(obj: Obj, pods: list[Obj], conditions: set[str], counts: Obj) -> None:
    """Conditions and counts; start and end are times of the status."""
    status = status_of(job.plan(obj, pods, NOW).changes)
    assert {one["type"] for one in status.pop("conditions", ())} == conditions
    assert (status.pop("completionTime", None) is not None) == ("Complete" in conditions)
    assert (status.pop("startTime", None) is not None) == ("Suspended" not in conditions)
    assert status == counts


def test_a_resumed_job_says_so() -> None:
    """Suspended turns False and pods are made again."""
    suspended = {"conditions": [{"type": "Suspended", "status": "True"}]}
    plan = job.plan(a_job(suspended), [], NOW)
    assert without_status(plan.changes) == [CREATE]
    assert status_of(plan.changes)["conditions"][0]["reason"] == "JobResumed"


def test_a_deadline_is_waited_for() -> None:
    """The plan comes back when it is over."""
    assert job.plan(a_job({"startTime": ago(4)}, activeDeadlineSeconds=10), [RUNNING], NOW).again_in_seconds == 6


@pytest.mark.parametrize(
    ("lifetime", "expected", "again"), [(None, [], None), (60, [], 40), (20, [("delete", "jobs", "web")], None)]
)
def test_a_finished_job_goes_after_its_lifetime(lifetime: int | None, expected: list[Any], again: float | None) -> None:
    """Without a lifetime it stays; it never runs again."""
    status = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": ago(20)}]}
    spec = {} if lifetime is None else {"ttlSecondsAfterFinished": lifetime}
    plan = job.plan(a_job(status, **spec), [], NOW)
    assert (without_status(plan.changes), plan.again_in_seconds) == (expected, again)


def test_pods_know_their_job() -> None:
    """By the labels that kubectl and the Job's selector use."""
    created: Any = job.plan(a_job(), [], NOW).changes[0]
    labels = created.obj["metadata"]["labels"]
    assert labels["job-name"] == labels["batch.kubernetes.io/job-name"] == "web"
    assert labels["controller-uid"] == labels["batch.kubernetes.io/controller-uid"] == "uid-web"


def test_a_job_on_its_way_out_is_left_alone() -> None:
    """The garbage collector takes its pods."""
    obj = a_job()
    obj["metadata"]["deletionTimestamp"] = ago(0)
    assert job.plan(obj, [], NOW).changes == ()
