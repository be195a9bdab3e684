"""Rows of nodes, namespaces, storage and the other kinds that describe a cluster."""

from __future__ import annotations

from headwater.apiserver.tables.interface import BuiltinPrinter, Cells, column, columns, integer
from headwater.apiserver.tables.text import NONE, UNKNOWN, age, count, joined
from headwater.machinery.objects import Object

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _node_status(node: Object) -> str:
    conditions = {c.get("type"): c.get("status") for c in (node.get("status") or {}).get("conditions") or []}
    ready = conditions.get("Ready")
    words = ["Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node(node: Object, now: float) -> Cells:
    labels = node["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)} - {""}
    if labels.get(_ROLE_LABEL):
        roles.add(labels[_ROLE_LABEL])
    status = node.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses: dict[str, str] = {}
    for address in status.get("addresses") or []:
        addresses.setdefault(address.get("type", ""), address.get("address", ""))
    return [
        node["metadata"]["name"],
        _node_status(node),
        joined(sorted(roles), empty=NONE),
        age(node, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or NONE,
        addresses.get("ExternalIP") or NONE,
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _namespace(namespace: Object, now: float) -> Cells:
    return [namespace["metadata"]["name"], (namespace.get("status") or {}).get("phase", ""), age(namespace, now)]


def _access_modes(modes: object) -> str:
    listed = modes if isinstance(modes, list) else []
    return joined(short for mode, short in _ACCESS_MODES.items() if mode in listed)


def _persistent_volume(volume: Object, now: float) -> Cells:
    spec, status = volume.get("spec") or {}, volume.get("status") or {}
    claim = spec.get("claimRef")
    phase = status.get("phase", "")
    if volume["metadata"].get("deletionTimestamp"):
        phase = "Terminating"
    return [
        volume["metadata"]["name"],
        (spec.get("capacity") or {}).get("storage", ""),
        _access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason", ""),
        age(volume, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _persistent_volume_claim(claim: Object, now: float) -> Cells:
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    phase = "Terminating" if claim["metadata"].get("deletionTimestamp") else status.get("phase", "")
    volume = spec.get("volumeName") or ""
    return [
        claim["metadata"]["name"],
        phase,
        volume,
        (status.get("capacity") or {}).get("storage", "") if volume else "",
        _access_modes(status.get("accessModes")) if volume else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        age(claim, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _storage_class(storage: Object, now: float) -> Cells:
    name = storage["metadata"]["name"]
    if (storage["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true":
        name += " (default)"
    return [
        name,
        storage.get("provisioner", ""),
        storage.get("reclaimPolicy", "Delete"),
        storage.get("volumeBindingMode", "Immediate"),
        bool(storage.get("allowVolumeExpansion")),
        age(storage, now),
    ]


def _csi_driver(driver: Object, now: float) -> Cells:
    spec = driver.get("spec") or {}
    return [
        driver["metadata"]["name"],
        spec.get("attachRequired", True),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        joined((token.get("audience", "") for token in spec.get("tokenRequests") or []), empty="<unset>"),
        bool(spec.get("requiresRepublish")),
        joined(spec.get("volumeLifecycleModes") or [], empty=NONE),
        age(driver, now),
    ]


def _priority_class(priority: Object, now: float) -> Cells:
    name, value = priority["metadata"]["name"], count(priority.get("value"))
    policy = priority.get("preemptionPolicy", "PreemptLowerPriority")
    return [name, value, bool(priority.get("globalDefault")), age(priority, now), policy]


def _runtime_class(runtime: Object, now: float) -> Cells:
    return [runtime["metadata"]["name"], runtime.get("handler", ""), age(runtime, now)]


PRINTERS = {
    ("", "nodes"): BuiltinPrinter(
        columns(
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ),
        _node,
    ),
    ("", "namespaces"): BuiltinPrinter(columns("Status", "Age"), _namespace),
    ("", "persistentvolumes"): BuiltinPrinter(
        columns(
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "+VolumeMode",
        ),
        _persistent_volume,
    ),
    ("", "persistentvolumeclaims"): BuiltinPrinter(
        columns(
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ),
        _persistent_volume_claim,
    ),
    ("storage.k8s.io", "storageclasses"): BuiltinPrinter(
        columns("Provisioner", "ReclaimPolicy", "VolumeBindingMode", column("AllowVolumeExpansion", "boolean"), "Age"),
        _storage_class,
    ),
    ("storage.k8s.io", "csidrivers"): BuiltinPrinter(
        columns(
            column("AttachRequired", "boolean"),
            column("PodInfoOnMount", "boolean"),
            column("StorageCapacity", "boolean"),
            "TokenRequests",
            column("RequiresRepublish", "boolean"),
            "Modes",
            "Age",
        ),
        _csi_driver,
    ),
    ("scheduling.k8s.io", "priorityclasses"): BuiltinPrinter(
        columns(integer("Value"), column("Global-Default", "boolean"), "Age", "PreemptionPolicy"), _priority_class
    ),
    ("node.k8s.io", "runtimeclasses"): BuiltinPrinter(columns("Handler", "Age"), _runtime_class),
}
