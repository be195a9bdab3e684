"""Pod statuses as a kubelet writes them, for containers that don't exist."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, uid
from headwater.machinery.timestamps import format_time
from headwater.sim.stages.pods import set_condition


def addresses(address: str) -> Object:
    """The fields that hold a pod's address."""
    return {"podIP": address, "podIPs": [{"ip": address}]}


def creating(pod: Object, host_ip: str, now: datetime) -> Object:
    """Accepted by the node, containers not started."""
    text = format_time(now)
    status = {
        **(pod.get("status") or {}),
        "phase": "Pending",
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": text,
        "containerStatuses": [_waiting(one, "ContainerCreating", "") for one in _containers(pod)],
    }
    if _containers(pod, "initContainers"):
        status["initContainerStatuses"] = [
            _waiting(one, "PodInitializing", "") for one in _containers(pod, "initContainers")
        ]
    return _with_conditions(status, text, initialized=False, ready=False)


def running(pod: Object, status: Object, now: datetime, *, ready: bool) -> Object:
    """All containers run; they are ready or not."""
    text = format_time(now)
    state = {"running": {"startedAt": text}}
    new = {
        **status,
        "phase": "Running",
        "containerStatuses": [_container(pod, one, state, ready=ready) for one in _containers(pod)],
    }
    return _with_conditions(_initialized(pod, new, text), text, initialized=True, ready=ready)


def finished(pod: Object, status: Object, now: datetime, *, exit_code: int) -> Object:
    """All containers have ended for good."""
    text = format_time(now)
    started = running_since(status) or str(status.get("startTime") or text)
    state = {"terminated": _terminated(exit_code, started, text)}
    new = {
        **status,
        "phase": "Failed" if exit_code else "Succeeded",
        "containerStatuses": [_container(pod, one, state, ready=False) for one in _containers(pod)],
    }
    new = _initialized(pod, new, text)
    reason = "PodFailed" if exit_code else "PodCompleted"
    return _with_conditions(new, text, initialized=True, ready=False, reason=reason)


def crashed(pod: Object, status: Object, now: datetime) -> Object:
    """The containers ended once more and wait for their restart."""
    text = format_time(now)
    count = restarts(status) + 1 if last_finish(status) else 0
    statuses = []
    for one in _containers(pod):
        message = f"back-off restarting failed container={one.get('name')}"
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        entry = _container(pod, one, state, ready=False)
        entry["lastState"] = {"terminated": _terminated(1, text, text)}
        statuses.append({**entry, "restartCount": count})
    new = _initialized(pod, {**status, "phase": "Running", "containerStatuses": statuses}, text)
    return _with_conditions(new, text, initialized=True, ready=False)


def image_missing(pod: Object, status: Object, now: datetime) -> Object:
    """The images can't be pulled."""
    statuses = []
    for one in _containers(pod):
        message = f'Back-off pulling image "{one.get("image")}"'
        statuses.append(_waiting(one, "ImagePullBackOff", message))
    new = {**status, "phase": "Pending", "containerStatuses": statuses}
    return _with_conditions(new, format_time(now), initialized=True, ready=False)


def restarts(status: Object) -> int:
    """How often the first container was restarted."""
    return next((int(one.get("restartCount") or 0) for one in status.get("containerStatuses") or ()), 0)


def last_finish(status: Object) -> str:
    """When the first container last ended; "" if it never did."""
    for one in status.get("containerStatuses") or ():
        return str(((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or "")
    return ""


def running_since(status: Object) -> str:
    """Since when the first container runs; "" if it doesn't."""
    for one in status.get("containerStatuses") or ():
        return str(((one.get("state") or {}).get("running") or {}).get("startedAt") or "")
    return ""


def _containers(pod: Object, field: str = "containers") -> list[Object]:
    return list((pod.get("spec") or {}).get(field) or ())


def _waiting(container: Object, reason: str, message: str) -> Object:
    waiting = {"reason": reason, "message": message} if message else {"reason": reason}
    return {
        "name": container.get("name", ""),
        "image": container.get("image", ""),
        "imageID": "",
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "started": False,
        "state": {"waiting": waiting},
    }


def _container(pod: Object, container: Object, state: Object, *, ready: bool) -> Object:
    container_name, image = str(container.get("name", "")), str(container.get("image", ""))
    return {
        "name": container_name,
        "image": image,
        "imageID": f"sim://{image}",
        "containerID": f"sim://{base36_sha224(uid(pod) + '/' + container_name)[:32]}",
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "started": "running" in state,
        "state": state,
    }


def _terminated(exit_code: int, started: str, ended: str) -> Object:
    reason = "Error" if exit_code else "Completed"
    return {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": ended}


def _initialized(pod: Object, status: Object, text: str) -> Object:
    """The status with all init containers done (sidecars run)."""
    statuses = []
    for one in _containers(pod, "initContainers"):
        if one.get("restartPolicy") == "Always":
            statuses.append(_container(pod, one, {"running": {"startedAt": text}}, ready=True))
        else:
            statuses.append(_container(pod, one, {"terminated": _terminated(0, text, text)}, ready=True))
    return {**status, "initContainerStatuses": statuses} if statuses else status


def _with_conditions(status: Object, text: str, *, initialized: bool, ready: bool, reason: str = "") -> Object:
    unready = reason or "ContainersNotReady"
    conditions: Iterable[Object] = status.get("conditions") or ()
    wanted = (
        ("PodReadyToStartContainers", initialized and not reason, ""),
        (
            "Initialized",
            initialized,
            reason if reason == "PodCompleted" else "" if initialized else "ContainersNotInitialized",
        ),
        ("Ready", ready, "" if ready else unready),
        ("ContainersReady", ready, "" if ready else unready),
        ("PodScheduled", True, ""),
    )
    result: list[Object] = list(conditions)
    for kind, value, why in wanted:
        result = set_condition(result, kind, "True" if value else "False", why, "", text)
    result = [{key: value for key, value in one.items() if value != "" or key == "status"} for one in result]
    return {**status, "conditions": result}
