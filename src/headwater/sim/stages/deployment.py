"""Deployment: one ReplicaSet for each pod template, and the move from the old ones to the new one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deep_copy, deletion_timestamp, labels, name, namespace
from headwater.machinery.objects import annotations as annotations_of
from headwater.sim.changes import Change, Create, Delete, Emit, Patch, Plan, spec_change, status_change
from headwater.sim.resources import DEPLOYMENTS, REPLICA_SETS
from headwater.sim.stages import deploymentstatus, rollout
from headwater.sim.stages.ownership import owner_reference
from headwater.sim.stages.pods import template_hash

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_KUBECTL_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def plan(deployment: Object, replica_sets: Sequence[Object], now: datetime) -> Plan:
    """Changes for a Deployment and the ReplicaSets that it controls."""
    if deletion_timestamp(deployment):
        return Plan()
    spec = deployment.get("spec") or {}
    digest = template_hash(spec.get("template") or {})
    new = next((one for one in replica_sets if labels(one).get(HASH_LABEL) == digest), None)
    old = [one for one in replica_sets if one is not new]
    changes: list[Change] = []
    sizes = rollout.sizes(spec, new, old)
    if new is None and not spec.get("paused"):
        # The status follows when the set is there.
        made = _replica_set(deployment, digest, sizes.new, _next_revision(replica_sets))
        return Plan([Create(REPLICA_SETS, made), _scaling(deployment, name(made), 0, sizes.new)])
    if new is not None:
        changes += _revision_changes(new, old)
        changes += _resize(deployment, new, sizes.new)
    for one in old:
        changes += _resize(deployment, one, sizes.old[name(one)])
    if new is not None:
        changes += _forgotten(spec, old)
        changes += _show_revision(deployment, new)
    status, again = deploymentstatus.status_of(deployment, new, old, now)
    changes += status_change(DEPLOYMENTS, deployment, status)
    return Plan(changes, again)


def _resize(deployment: Object, replica_set: Object, size: int) -> list[Change]:
    changes = spec_change(REPLICA_SETS, replica_set, replicas=size)
    if changes:
        changes.append(_scaling(deployment, name(replica_set), int(replica_set["spec"].get("replicas", 1)), size))
    return changes


def _scaling(deployment: Object, replica_set: str, before: int, after: int) -> Emit:
    way = "up" if after > before else "down"
    message = f"Scaled {way} replica set {replica_set} from {before} to {after}"
    return Emit(deployment, "ScalingReplicaSet", message, "deployment-controller")


def _replica_set(deployment: Object, digest: str, replicas: int, revision: int) -> Object:
    spec = deployment["spec"]
    template = deep_copy(spec.get("template") or {})
    template_labels = template.setdefault("metadata", {}).setdefault("labels", {})
    template_labels[HASH_LABEL] = digest
    selector = deep_copy(spec.get("selector") or {})
    selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
    inherited = {
        key: value for key, value in annotations_of(deployment).items() if key not in (_KUBECTL_APPLIED, REVISION)
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name(deployment)}-{digest}",
            "namespace": namespace(deployment),
            "labels": dict(template_labels),
            "annotations": {**inherited, REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": selector,
            "template": template,
            **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
        },
    }


def revision_of(obj: Object) -> int:
    """The revision that an object is marked with, 0 for none."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def _next_revision(replica_sets: Sequence[Object]) -> int:
    return max((revision_of(one) for one in replica_sets), default=0) + 1


def _revision_changes(new: Object, old: Sequence[Object]) -> list[Change]:
    """A template that is used again (a rollback) becomes the newest revision."""
    revision = _next_revision(old)
    if revision_of(new) >= revision:
        return []
    return [Patch(REPLICA_SETS, new, {"metadata": {"annotations": {REVISION: str(revision)}}})]


def _show_revision(deployment: Object, new: Object) -> list[Change]:
    revision = annotations_of(new).get(REVISION)
    if not revision or annotations_of(deployment).get(REVISION) == revision:
        return []
    return [Patch(DEPLOYMENTS, deployment, {"metadata": {"annotations": {REVISION: revision}}})]


def _forgotten(spec: Object, old: Sequence[Object]) -> list[Change]:
    """Empty ReplicaSets beyond the history limit."""
    empty = [one for one in old if not one["spec"].get("replicas") and not (one.get("status") or {}).get("replicas")]
    limit = spec.get("revisionHistoryLimit", 10)
    surplus = len(empty) - int(limit)
    return [Delete(REPLICA_SETS, one) for one in sorted(empty, key=revision_of)[: max(surplus, 0)]]
