"""Job: run pods until enough of them have succeeded, or too many have failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deletion_timestamp, name, uid
from headwater.machinery.timestamps import format_time, parse_time
from headwater.sim.changes import Change, Create, Delete, Plan, soonest, status_change
from headwater.sim.resources import JOBS, PODS
from headwater.sim.stages.pods import (
    deletion_rank,
    is_active,
    is_ready,
    phase,
    pod_from_template,
    set_condition,
    without_zeros,
)

_BACKOFF_LIMIT = 6


def plan(job: Object, pods: Sequence[Object], now: datetime) -> Plan:
    """Changes for a Job and the pods that it controls."""
    if deletion_timestamp(job):
        return Plan()
    if finished := _finish_time(job):
        return _after_finish(job, finished, now)
    spec, status = job.get("spec") or {}, job.get("status") or {}
    active = [pod for pod in pods if is_active(pod)]
    succeeded = sum(1 for pod in pods if phase(pod) == "Succeeded")
    failed = sum(1 for pod in pods if phase(pod) == "Failed")
    failure, remaining = _failure(job, failed, now)
    text = format_time(now)
    conditions: list[Object] = list(status.get("conditions") or ())
    changes: list[Change] = []
    done = not failure and _is_complete(spec, succeeded, active)
    if failure:
        changes += [Delete(PODS, pod) for pod in active]
        conditions = set_condition(conditions, "Failed", "True", *failure, text, lastProbeTime=text)
    elif done:
        reason, message = "CompletionsReached", "Reached expected number of succeeded pods"
        for kind in ("SuccessCriteriaMet", "Complete"):
            conditions = set_condition(conditions, kind, "True", reason, message, text, lastProbeTime=text)
    elif spec.get("suspend"):
        changes += [Delete(PODS, pod) for pod in active]
        conditions = set_condition(conditions, "Suspended", "True", "JobSuspended", "Job suspended", text)
    else:
        changes += _to_parallelism(job, active, succeeded)
        if any(one.get("type") == "Suspended" for one in conditions):
            conditions = set_condition(conditions, "Suspended", "False", "JobResumed", "Job resumed", text)
    counts = {
        "active": 0 if failure or done or spec.get("suspend") else len(active),
        "ready": sum(1 for pod in active if is_ready(pod)),
        "succeeded": succeeded,
        "failed": failed,
    }
    new: Object = without_zeros({"conditions": conditions, **counts})
    if not spec.get("suspend"):
        new["startTime"] = status.get("startTime") or text
    if done:
        new["completionTime"] = text
    return Plan([*changes, *status_change(JOBS, job, new)], remaining)


def _is_complete(spec: Object, succeeded: int, active: Sequence[Object]) -> bool:
    """With a number of completions, once they are reached; a work queue once one succeeded and none runs."""
    if spec.get("completions") is None and int(spec.get("parallelism", 1)) != 1:
        return succeeded > 0 and not active
    return succeeded >= int(spec.get("completions") or 1)


def _failure(job: Object, failed: int, now: datetime) -> tuple[tuple[str, str] | None, float | None]:
    """Why the Job has failed, if it has; and the seconds until its deadline."""
    spec = job["spec"]
    if failed > int(spec.get("backoffLimit", _BACKOFF_LIMIT)):
        return ("BackoffLimitExceeded", "Job has reached the specified backoff limit"), None
    started = (job.get("status") or {}).get("startTime")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is None or spec.get("suspend"):
        return None, None
    remaining = float(deadline) - ((now - parse_time(started)).total_seconds() if started else 0.0)
    if remaining <= 0:
        return ("DeadlineExceeded", "Job was active longer than specified deadline"), None
    return None, remaining


def _to_parallelism(job: Object, active: Sequence[Object], succeeded: int) -> list[Change]:
    spec = job["spec"]
    wanted = int(spec.get("parallelism", 1))
    if spec.get("completions") is not None or wanted == 1:
        wanted = min(wanted, int(spec.get("completions") or 1) - succeeded)
    elif succeeded:
        wanted = len(active)
    if len(active) > wanted:
        return [Delete(PODS, pod) for pod in sorted(active, key=deletion_rank)[: len(active) - wanted]]
    more = {
        "job-name": name(job),
        "controller-uid": uid(job),
        "batch.kubernetes.io/job-name": name(job),
        "batch.kubernetes.io/controller-uid": uid(job),
    }
    template = spec.get("template") or {}
    return [
        Create(PODS, pod_from_template(job, template, generate_name=f"{name(job)}-", labels=more))
        for _ in range(wanted - len(active))
    ]


def _finish_time(job: Object) -> str:
    for one in (job.get("status") or {}).get("conditions") or ():
        if one.get("type") in ("Complete", "Failed") and one.get("status") == "True":
            return str(one.get("lastTransitionTime", ""))
    return ""


def _after_finish(job: Object, finished: str, now: datetime) -> Plan:
    """A finished Job goes after its time to live, if it has one."""
    lifetime = (job.get("spec") or {}).get("ttlSecondsAfterFinished")
    if lifetime is None:
        return Plan()
    remaining = float(lifetime) - (now - parse_time(finished)).total_seconds()
    return Plan([Delete(JOBS, job)]) if remaining <= 0 else Plan((), soonest(remaining))
