"""Rows of the workload controllers: deployments, replica sets, stateful sets, daemon sets, jobs and cron jobs."""

from __future__ import annotations

from headwater.apiserver.tables.interface import BuiltinPrinter, Cells, column, columns, integer
from headwater.apiserver.tables.text import NONE, UNKNOWN, age, containers, count, label_text, selector_text, since
from headwater.machinery.duration import human_duration
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import parse_time

_TEMPLATE = ("+Containers", "+Images", "+Selector")


def _template(obj: Object) -> tuple[str, str]:
    return containers((obj.get("spec") or {}).get("template", {}).get("spec") or {})


def _deployment(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{count(status.get('readyReplicas'))}/{count(spec.get('replicas'))}"
    updated, available = count(status.get("updatedReplicas")), count(status.get("availableReplicas"))
    row = [obj["metadata"]["name"], ready, updated, available, age(obj, now)]
    return [*row, *_template(obj), selector_text(spec.get("selector"))]


def _replica_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    numbers = (spec.get("replicas"), status.get("replicas"), status.get("readyReplicas"))
    row = [obj["metadata"]["name"], *(count(number) for number in numbers), age(obj, now)]
    return [*row, *_template(obj), selector_text(spec.get("selector"))]


def _replication_controller(obj: Object, now: float) -> Cells:
    cells = _replica_set(obj, now)
    cells[-1] = label_text((obj.get("spec") or {}).get("selector"))
    return cells


def _stateful_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{count(status.get('readyReplicas'))}/{count(spec.get('replicas'))}"
    return [obj["metadata"]["name"], ready, age(obj, now), *_template(obj)]


def _daemon_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    node_selector = (spec.get("template") or {}).get("spec", {}).get("nodeSelector")
    row = [obj["metadata"]["name"], *(count(status.get(field)) for field in fields)]
    return [*row, label_text(node_selector), age(obj, now), *_template(obj), selector_text(spec.get("selector"))]


def _job_status(obj: Object) -> str:
    conditions = {c.get("type"): c.get("status") for c in (obj.get("status") or {}).get("conditions") or []}
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if conditions.get(kind) == "True":
            return word
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind, word in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if conditions.get(kind) == "True":
            return word
    return "Running"


def _job(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    succeeded = count(status.get("succeeded"))
    completions, parallelism = spec.get("completions"), count(spec.get("parallelism"))
    if completions is not None:
        done = f"{succeeded}/{completions}"
    else:
        done = f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        duration = ""
    elif end:
        duration = human_duration((parse_time(end) - parse_time(start)).total_seconds())
    else:
        duration = since(start, now)
    row = [obj["metadata"]["name"], _job_status(obj), done, duration, age(obj, now)]
    return [*row, *_template(obj), selector_text(spec.get("selector"))]


def _cron_job(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    last = status.get("lastScheduleTime")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = job.get("template") or {}
    row = [
        obj["metadata"]["name"],
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or []),
        since(last, now) if last else NONE,
        age(obj, now),
    ]
    return [
        *row,
        *containers(template.get("spec") or {}),
        selector_text((spec.get("jobTemplate") or {}).get("selector")),
    ]


def _horizontal_pod_autoscaler(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    minimum = spec.get("minReplicas")
    return [
        obj["metadata"]["name"],
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or [], status.get("currentMetrics") or []),
        "<unset>" if minimum is None else str(minimum),
        count(spec.get("maxReplicas")),
        count(status.get("currentReplicas")),
        age(obj, now),
    ]


def _metrics(wanted: list[Object], current: list[Object]) -> str:
    shown = []
    for position, metric in enumerate(wanted[:2]):
        source = metric.get("type", "")
        field = source[:1].lower() + source[1:]
        body = metric.get(field) or {}
        now = ((current[position].get(field) or {}) if position < len(current) else {}).get("current") or {}
        target = body.get("target") or {}
        name = f"{body['name']}: " if source == "Resource" and "name" in body else ""
        if target.get("averageUtilization") is not None:
            have = now.get("averageUtilization")
            shown.append(f"{name}{UNKNOWN if have is None else f'{have}%'}/{target['averageUtilization']}%")
        else:
            average = "averageValue" in target
            key, suffix = ("averageValue", " (avg)") if average and source != "Resource" else ("averageValue", "")
            key = key if average else "value"
            shown.append(f"{name}{now.get(key, UNKNOWN)}/{target.get(key, UNKNOWN)}{suffix}")
    if len(wanted) > 2:
        shown.append(f"+ {len(wanted) - 2} more...")
    return ", ".join(shown) or NONE


def _pod_disruption_budget(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    allowed = count(status.get("disruptionsAllowed"))
    bounds = (str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")))
    return [obj["metadata"]["name"], *bounds, allowed, age(obj, now)]


def _controller_revision(obj: Object, now: float) -> Cells:
    owners = obj["metadata"].get("ownerReferences") or []
    controller = next((o for o in owners if o.get("controller")), None)
    group = controller["apiVersion"].rpartition("/")[0] if controller else ""
    kind = controller["kind"].lower() if controller else ""
    shown = f"{kind}.{group}/{controller['name']}" if controller and group else NONE
    return [obj["metadata"]["name"], shown, count(obj.get("revision")), age(obj, now)]


_REPLICAS = columns(integer("Desired"), integer("Current"), integer("Ready"), "Age", *_TEMPLATE)

PRINTERS = {
    ("apps", "deployments"): BuiltinPrinter(
        columns("Ready", integer("Up-to-date"), integer("Available"), "Age", *_TEMPLATE), _deployment
    ),
    ("apps", "replicasets"): BuiltinPrinter(_REPLICAS, _replica_set),
    ("", "replicationcontrollers"): BuiltinPrinter(_REPLICAS, _replication_controller),
    ("apps", "statefulsets"): BuiltinPrinter(columns("Ready", "Age", "+Containers", "+Images"), _stateful_set),
    ("apps", "daemonsets"): BuiltinPrinter(
        columns(
            *(integer(name) for name in ("Desired", "Current", "Ready", "Up-to-date", "Available")),
            "Node Selector",
            "Age",
            *_TEMPLATE,
        ),
        _daemon_set,
    ),
    ("apps", "controllerrevisions"): BuiltinPrinter(
        columns("Controller", integer("Revision"), "Age"), _controller_revision
    ),
    ("batch", "jobs"): BuiltinPrinter(columns("Status", "Completions", "Duration", "Age", *_TEMPLATE), _job),
    ("batch", "cronjobs"): BuiltinPrinter(
        columns(
            "Schedule", "Timezone", column("Suspend", "boolean"), integer("Active"), "Last Schedule", "Age", *_TEMPLATE
        ),
        _cron_job,
    ),
    ("autoscaling", "horizontalpodautoscalers"): BuiltinPrinter(
        columns("Reference", "Targets", "MinPods", integer("MaxPods"), integer("Replicas"), "Age"),
        _horizontal_pod_autoscaler,
    ),
    ("policy", "poddisruptionbudgets"): BuiltinPrinter(
        columns("Min Available", "Max Unavailable", integer("Allowed Disruptions"), "Age"), _pod_disruption_budget
    ),
}
