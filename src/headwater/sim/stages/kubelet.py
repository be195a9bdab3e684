"""The kubelet of all simulated nodes: the next state of a pod, and when the one after that is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from headwater.machinery.objects import Object, deletion_timestamp, name
from headwater.machinery.timestamps import parse_time
from headwater.sim.changes import Delete, Emit, Plan, status_change
from headwater.sim.resources import PODS
from headwater.sim.stages import podstatus
from headwater.sim.stages.behaviour import CRASH, PULL, UNREADY, Behaviour, Timing, behaviour_of, runs_to_completion
from headwater.sim.stages.pods import is_finished, phase

MAXIMUM_RESTART_SECONDS = 300.0


def plan(pod: Object, now: datetime, *, timing: Timing, host_ip: str, take_address: Callable[[], str]) -> Plan:
    """Changes for a pod that is bound to a node.

    `take_address` gives a free pod address when the pod needs one.
    """
    if deletion_timestamp(pod):
        return _stop(pod, now, timing)
    if is_finished(pod):
        return Plan()
    status = pod.get("status") or {}
    course = behaviour_of(pod, timing)
    if not status.get("startTime"):
        # Without a start latency the pod is seen starting and started in one write, as nobody could tell them apart.
        if course.start_seconds > 0:
            return Plan(status_change(PODS, pod, podstatus.creating(pod, host_ip, now)), course.start_seconds)
        return _start(pod, podstatus.creating(pod, host_ip, now), course, now, take_address)
    if phase(pod) == "Pending":
        remaining = course.start_seconds - _age(str(status["startTime"]), now)
        if remaining > 0:
            return Plan((), remaining)
        return _start(pod, status, course, now, take_address)
    return _go_on(pod, course, timing, now)


def _stop(pod: Object, now: datetime, timing: Timing) -> Plan:
    """A pod that was asked to end does so after the stop latency, at the latest when its grace period is over."""
    grace = float((pod.get("metadata") or {}).get("deletionGracePeriodSeconds") or 0)
    latency = min(timing.stop_seconds, grace)
    if latency > 0:
        # deletionTimestamp is when the grace period is over.
        left = (parse_time(deletion_timestamp(pod)) - now).total_seconds() - (grace - latency)
        if left > 0:
            return Plan((), left)
    return Plan([Delete(PODS, pod, grace_seconds=0)])


def _start(pod: Object, status: Object, course: Behaviour, now: datetime, take_address: Callable[[], str]) -> Plan:
    address = str(status.get("podIP") or "") or take_address()
    if course.mode == PULL:
        changes = status_change(PODS, pod, podstatus.image_missing(pod, status, now))
        return Plan(
            [*changes, Emit(pod, "Failed", "Error: ImagePullBackOff", "kubelet", warning=True)] if changes else ()
        )
    if course.mode == CRASH:
        return _crash(pod, {**status, **podstatus.addresses(address)}, now)
    running = podstatus.running(pod, {**status, **podstatus.addresses(address)}, now, ready=course.mode != UNREADY)
    again = course.run_seconds if runs_to_completion(pod) else None
    return Plan(status_change(PODS, pod, running), again)


def _crash(pod: Object, status: Object, now: datetime) -> Plan:
    if (pod.get("spec") or {}).get("restartPolicy") == "Never":
        return Plan(status_change(PODS, pod, podstatus.finished(pod, status, now, exit_code=1)))
    message = f"Back-off restarting failed container in pod {name(pod)}"
    changes = status_change(PODS, pod, podstatus.crashed(pod, status, now))
    return Plan([*changes, Emit(pod, "BackOff", message, "kubelet", warning=True)], _restart_delay(status))


def _go_on(pod: Object, course: Behaviour, timing: Timing, now: datetime) -> Plan:
    """What a running pod does next: crash again, complete, or nothing."""
    status = pod["status"]
    if course.mode == CRASH:
        since = podstatus.last_finish(status)
        remaining = _restart_delay(status) - _age(since, now) if since else 0.0
        return Plan((), remaining) if remaining > 0 else _crash(pod, status, now)
    if course.mode == UNREADY or not runs_to_completion(pod):
        return Plan()
    remaining = course.run_seconds - _age(podstatus.running_since(status), now)
    if remaining > 0:
        return Plan((), remaining)
    return Plan(status_change(PODS, pod, podstatus.finished(pod, status, now, exit_code=0)))


def _restart_delay(status: Object) -> float:
    """Back-off of a crashing container: 10 s, doubled with each restart up to five minutes."""
    doublings = min(podstatus.restarts(status), 6)
    return min(float(10 << doublings), MAXIMUM_RESTART_SECONDS)


def _age(since: str, now: datetime) -> float:
    return (now - parse_time(since)).total_seconds() if since else 0.0
