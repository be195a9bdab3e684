"""Rows of pods, whose status is the most telling of many fields."""

from __future__ import annotations

from headwater.apiserver.tables.interface import BuiltinPrinter, Cells, columns
from headwater.apiserver.tables.text import NONE, age, containers, count, label_text, since
from headwater.machinery.objects import Object


def _is_sidecar(pod: Object, name: str) -> bool:
    listed = (pod.get("spec") or {}).get("initContainers") or []
    return any(c.get("name") == name and c.get("restartPolicy") == "Always" for c in listed)


def _termination_reason(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{count(terminated.get('exitCode'))}"


def _init_reason(pod: Object, statuses: list[Object]) -> str:
    """What holds the init containers up; "" when they are done."""
    total = len((pod.get("spec") or {}).get("initContainers") or [])
    for position, status in enumerate(statuses):
        state = status.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if _is_sidecar(pod, status.get("name", "")) and status.get("started"):
            continue
        if terminated is not None:
            return f"Init:{_termination_reason(terminated)}"
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{position}/{total}"
    return ""


def _container_reason(pod: Object, statuses: list[Object], reason: str) -> str:
    running = False
    for status in reversed(statuses):
        state = status.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated is not None:
            reason = _termination_reason(terminated)
        elif status.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        conditions = (pod.get("status") or {}).get("conditions") or []
        ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
        reason = "Running" if ready else "NotReady"
    return reason


def pod_status(pod: Object) -> str:
    """The word that kubectl shows as a pod's status."""
    status = pod.get("status") or {}
    reason = str(status.get("reason") or status.get("phase") or "")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    initializing = _init_reason(pod, status.get("initContainerStatuses") or [])
    reason = initializing or _container_reason(pod, status.get("containerStatuses") or [], reason)
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return reason


def _restarts(pod: Object, now: float) -> str:
    status = pod.get("status") or {}
    listed = list(status.get("containerStatuses") or [])
    listed += [s for s in status.get("initContainerStatuses") or [] if _is_sidecar(pod, s.get("name", ""))]
    total = sum(count(s.get("restartCount")) for s in listed)
    ends = [((s.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for s in listed]
    latest = max((end for end in ends if end), default="")
    return f"{total} ({since(latest, now)} ago)" if total and latest else str(total)


def _pod(pod: Object, now: float) -> Cells:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    sidecars = [c for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"]
    total = len(spec.get("containers") or []) + len(sidecars)
    ready = sum(1 for s in statuses if s.get("ready") and "running" in (s.get("state") or {}))
    ready += sum(
        1 for s in status.get("initContainerStatuses") or [] if s.get("ready") and _is_sidecar(pod, s.get("name", ""))
    )
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or []}
    gates = spec.get("readinessGates") or []
    passed = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    address = status.get("podIP") or next((ip.get("ip") for ip in status.get("podIPs") or []), None)
    return [
        pod["metadata"]["name"],
        f"{ready}/{total}",
        pod_status(pod),
        _restarts(pod, now),
        age(pod, now),
        address or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]


def _pod_template(template: Object, now: float) -> Cells:
    body = template.get("template") or {}
    labels = label_text((body.get("metadata") or {}).get("labels"))
    return [template["metadata"]["name"], *containers(body.get("spec") or {}), labels]


PRINTERS = {
    ("", "pods"): BuiltinPrinter(
        columns("Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"), _pod
    ),
    ("", "podtemplates"): BuiltinPrinter(columns("Containers", "Images", "Pod Labels"), _pod_template),
}
