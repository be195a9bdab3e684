"""The answer to "why does this workload run there": as a document, and as a Table for people (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headwater.apis.placement.v1alpha1.location import GROUP, VERSION
from headwater.apis.sync.v1alpha1.synctarget import CONDITION_HEARTBEAT_HEALTHY
from headwater.apis.workload.failures import failure_of
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import HISTORY_ANNOTATION, REPORTED_ANNOTATION_PREFIX
from headwater.apis.workload.locator import NamespaceLocator
from headwater.apiserver.tables.interface import columns, integer
from headwater.base import jsonio
from headwater.machinery.amounts import quantities
from headwater.machinery.conditions import get_condition
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, cluster_name, labels, name, namespace, nested, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time, parse_time
from headwater.scheduling.explain import Explanation, Verdict
from headwater.scheduling.filters import REASON_EVICTING, REASON_NOT_READY, REASON_TAINTED
from headwater.scheduling.readiness import reported_status
from headwater.scheduling.workload import Workload

KIND: Final = "Explanation"
MAX_TARGETS: Final = 1000
_MAX_HISTORY: Final = 8
_MAX_TEXT: Final = 1024
_MAX_UNSEEN: Final = 20
IN_USE: Final = frozenset({"Chosen", "Kept", "Held"})
_ORDER: Final = {"Kept": 0, "Held": 1, "Chosen": 2, "Spare": 3, "Rejected": 4}


@dataclass(frozen=True, slots=True)
class Subject:
    """The workload that is explained: the object, what scheduling knows of it, and the SyncTargets that it uses.

    ``unseen`` are names of pods that the workspace does not show, by sync target key.
    """

    obj: Object
    resource: GroupResource
    workload: Workload | None
    sync_targets: Mapping[str, Object]
    unseen: Mapping[str, Sequence[str]] = field(default_factory=dict)


def document(subject: Subject, explanation: Explanation | None, message: str) -> Object:
    """The Explanation. Without an explanation no Placement selects the workload, and `message` says so."""
    shares = explanation.assignment.shares if explanation is not None else {}
    lacks = explanation is not None and (explanation.assignment.unplaced or explanation.assignment.short)
    verdicts = _ordered(explanation.verdicts) if explanation is not None else []
    history = history_of(subject.obj)
    status: Object = {
        "workload": _workload(subject),
        "placements": list(explanation.placements) if explanation is not None else [],
        "scheduled": "True" if shares and not lacks else "False",
        "message": message if explanation is None else "; ".join(explanation.assignment.reasons),
        "targets": [_target(subject, each, history, shares) for each in verdicts[:MAX_TARGETS]],
        "history": history,
    }
    if len(verdicts) > MAX_TARGETS:
        status["truncated"] = True
    meta = {"name": name(subject.obj), "namespace": namespace(subject.obj)}
    return {"kind": KIND, "apiVersion": f"{GROUP}/{VERSION}", "metadata": meta, "status": status}


def _ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those in use first, then those that would come next, then the rest by name."""

    def order(verdict: Verdict) -> tuple[int, int, str, str]:
        rank = verdict.rank if verdict.rank is not None else len(verdicts)
        return _ORDER[verdict.decision], rank, verdict.target.name, verdict.target.key

    return sorted(verdicts, key=order)


def _workload(subject: Subject) -> Object:
    obj, known = subject.obj, subject.workload
    described: Object = {
        "group": subject.resource.group,
        "resource": subject.resource.resource,
        "namespace": namespace(obj),
        "name": name(obj),
        "uid": uid(obj),
        "replicas": known.replicas if known is not None else nested(obj, "spec", "replicas", default=1),
    }
    if known is not None:
        described["request"] = quantities(known.request)
    return described


def _target(subject: Subject, verdict: Verdict, history: Sequence[Object], shares: Mapping[str, int]) -> Object:
    target, location = verdict.target, verdict.location
    shown: Object = {
        "name": target.name,
        "key": target.key,
        "location": f"{location.cluster}/{location.name}" if location is not None else "",
        "placement": verdict.placement,
        "decision": verdict.decision,
        "replicas": verdict.replicas,
        "reasons": [{"reason": each.reason, "message": each.message, "admit": each.admit} for each in verdict.reasons],
        "scores": dict(verdict.scores or {}),
    }
    if verdict.rank is not None:
        shown["rank"] = verdict.rank
    since = _since(verdict, history)
    if since:
        shown["since"] = since
    reported = _reported(subject.obj, target.key)
    if reported is not None:
        shown["reported"] = reported
    if target.key not in shares and target.key in target_keys(labels(subject.obj)):
        shown["leaving"] = deletion_marks(annotations_of(subject.obj)).get(target.key, "")
    if verdict.decision in IN_USE and (failure := failure_of(subject.obj, target.key)) is not None:
        shown["refused"] = failure
    sync_target = subject.sync_targets.get(target.key)
    if sync_target is not None:
        healthy = get_condition(sync_target, CONDITION_HEARTBEAT_HEALTHY) or {}
        shown["reachable"] = healthy.get("status") == "True"
        beat = nested(sync_target, "status", "lastSyncerHeartbeatTime", default="")
        if beat:
            shown["lastHeartbeatTime"] = beat
    unseen = subject.unseen.get(target.key)
    if unseen:
        shown["unseenPods"] = {"count": len(unseen), "names": list(unseen[:_MAX_UNSEEN])}
        if sync_target is not None:
            shown["unseenPods"]["namespace"] = _namespace_below(subject.obj, sync_target)
    return shown


def _namespace_below(obj: Object, sync_target: Object) -> str:
    """Where on the pcluster the copy of an object is."""
    target = (cluster_name(sync_target), name(sync_target), uid(sync_target))
    return NamespaceLocator(*target, cluster_name(obj), namespace(obj)).downstream_namespace()


def _since(verdict: Verdict, history: Sequence[Object]) -> str:
    """Since when the workload has the target, or since when the target is refused; empty when nobody noted it."""
    target = verdict.target
    if verdict.decision in IN_USE:
        since = ""
        for move in reversed(history):
            if target.name not in move["targets"]:
                break
            since = move["at"]
        return since
    reasons = {each.reason for each in verdict.reasons}
    instants: list[datetime] = []
    if REASON_NOT_READY in reasons and target.not_ready_since is not None:
        instants.append(target.not_ready_since)
    if REASON_EVICTING in reasons and target.evict_after is not None:
        instants.append(target.evict_after)
    if REASON_TAINTED in reasons:
        instants += [taint.time_added for taint in target.taints if taint.time_added is not None]
    return format_time(min(instants)) if instants else ""


def _reported(obj: Object, key: str) -> Object | None:
    """The counters that a target reported, and when."""
    status = reported_status(obj, key)
    at = annotations_of(obj).get(REPORTED_ANNOTATION_PREFIX + key, "")
    if status is None and not at:
        return None
    counters = {
        field: value for field, value in (status or {}).items() if type(value) is int and field != "observedGeneration"
    }
    ready = counters.get("numberReady", counters.get("ready", 0))
    return {**({"at": at} if at else {}), **counters, "readyReplicas": counters.get("readyReplicas", ready)}


def history_of(obj: Object) -> list[Object]:
    """The moves that were noted on a workload, the newest last; what can't be read is left out."""
    try:
        noted = jsonio.loads(annotations_of(obj).get(HISTORY_ANNOTATION) or "[]")
    except ValueError:
        return []
    moves = [_move(entry) for entry in noted] if isinstance(noted, list) else []
    return [move for move in moves if move is not None][-_MAX_HISTORY:]


def _move(entry: Any) -> Object | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("targets"), list):
        return None
    try:
        at = format_time(parse_time(str(entry.get("at"))))
    except ValueError:
        return None
    targets = [each[:_MAX_TEXT] for each in entry["targets"] if isinstance(each, str)]
    return {"at": at, "targets": targets, "cause": str(entry.get("cause") or "")[:_MAX_TEXT]}


_COLUMNS: Final = columns(
    "Decision",
    integer("Replicas"),
    integer("Ready"),
    "Placement",
    "Reason",
    "To-Admit",
    "+Location",
    "+Since",
    "+Scores",
)


def table(explanation: Object, version: str) -> Object:
    """The same as a Table: one row for each target."""
    rows = [{"cells": _cells(target)} for target in explanation["status"]["targets"]]
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {},
        "columnDefinitions": list(_COLUMNS),
        "rows": rows,
    }


def _cells(target: Object) -> list[Any]:
    reasons = target["reasons"]
    refused = [f"its pcluster refuses it: {target['refused']}"] if target.get("refused") else []
    refused += ["it has a copy that leaves"] if "leaving" in target else []
    if target.get("unseenPods"):
        refused.append(f"{target['unseenPods']['count']} of its pods are not shown")
    return [
        target["name"],
        target["decision"],
        target["replicas"],
        nested(target, "reported", "readyReplicas"),
        target["placement"],
        "; ".join([*refused, *(each["message"] for each in reasons)]),
        ", ".join(each["admit"] for each in reasons if each["admit"]),
        target["location"],
        target.get("since", ""),
        " ".join(f"{score}={value:g}" for score, value in target["scores"].items()),
    ]
