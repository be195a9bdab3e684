"""PersistentVolumeClaims: bound to a volume of the size that they ask for, made on the spot."""

from __future__ import annotations

from headwater.machinery.objects import Object, deletion_timestamp, name, namespace, uid
from headwater.sim.changes import Change, Create, Delete, Plan, spec_change, status_change
from headwater.sim.resources import CLAIMS, SIMULATED_LABEL, VOLUMES

STORAGE_CLASS = "simulated"


def plan(claim: Object, volume: Object | None) -> Plan:
    """Changes for a claim and the volume that is named after it."""
    if deletion_timestamp(claim):
        return Plan()
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    if spec.get("volumeName") and status.get("phase") == "Bound":
        return Plan()
    changes: list[Change] = []
    volume_name = str(spec.get("volumeName") or f"pvc-{uid(claim)}")
    if not spec.get("volumeName"):
        if volume is None:
            changes.append(Create(VOLUMES, _volume(claim, volume_name)))
        changes += spec_change(CLAIMS, claim, volumeName=volume_name)
    capacity = (spec.get("resources") or {}).get("requests") or {"storage": "1Gi"}
    bound = {
        **status,
        "phase": "Bound",
        "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
        "capacity": {"storage": capacity.get("storage", "1Gi")},
    }
    changes += status_change(CLAIMS, claim, bound)
    return Plan(changes)


def _volume(claim: Object, volume_name: str) -> Object:
    spec = claim.get("spec") or {}
    requests = (spec.get("resources") or {}).get("requests") or {}
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": name(claim),
        "namespace": namespace(claim),
        "uid": uid(claim),
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name, "labels": {SIMULATED_LABEL: "true"}},
        "spec": {
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "capacity": {"storage": requests.get("storage", "1Gi")},
            "claimRef": reference,
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.get("storageClassName") or STORAGE_CLASS,
            "csi": {"driver": "sim.headwater.io", "volumeHandle": volume_name},
        },
    }


def plan_volume(volume: Object, claim: Object | None) -> Plan:
    """A simulated volume goes when its claim is gone, if it was made for one; until then it is Bound."""
    labels = (volume.get("metadata") or {}).get("labels") or {}
    spec = volume.get("spec") or {}
    reference = spec.get("claimRef")
    if labels.get(SIMULATED_LABEL) != "true" or not reference or deletion_timestamp(volume):
        return Plan()
    if claim is None or uid(claim) != reference.get("uid"):
        return Plan([Delete(VOLUMES, volume)] if spec.get("persistentVolumeReclaimPolicy") == "Delete" else [])
    return Plan(status_change(VOLUMES, volume, {**(volume.get("status") or {}), "phase": "Bound"}))
