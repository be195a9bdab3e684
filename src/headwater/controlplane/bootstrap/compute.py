"""The compute export: ordinary Kubernetes workload kinds, offered from ``root:compute`` as ``kubernetes``."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.apis.v1alpha2.apiexport import EXTRA_ANNOTATION_PREFIX
from headwater.apis.kind import APPROVED_ANNOTATION
from headwater.apis.kube.kinds import KUBERNETES_VERSION, KubeKind, kube_kinds
from headwater.apis.kube.schemas import DATA, structural
from headwater.apiserver.authn.interface import ALL_AUTHENTICATED
from headwater.controlplane.bootstrap import rbac
from headwater.controlplane.bootstrap.exports import export_object
from headwater.machinery.gvk import GroupVersionKind

Object = dict[str, Any]

COMPUTE_WORKSPACE = "compute"
COMPUTE_PATH = "root:compute"
COMPUTE_EXPORT = "kubernetes"
COMPUTE_ANNOTATION = f"{EXTRA_ANNOTATION_PREFIX}compute.workload.kcp.io"

COMPUTE_KINDS = tuple(
    GroupVersionKind(group, version, kind)
    for group, version, kinds in (
        ("", "v1", ("Service", "Endpoints", "Pod", "PersistentVolumeClaim")),
        ("apps", "v1", ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
        ("batch", "v1", ("Job", "CronJob")),
        ("autoscaling", "v2", ("HorizontalPodAutoscaler",)),
        ("discovery.k8s.io", "v1", ("EndpointSlice",)),
        ("networking.k8s.io", "v1", ("Ingress", "NetworkPolicy")),
        ("policy", "v1", ("PodDisruptionBudget",)),
    )
    for kind in kinds
)

_DATA_FORMAT = 2
"""Raised when what is made of the data changes, so that the schemas get new names."""


def compute_kinds() -> list[KubeKind]:
    """The kinds that are exported, as far as the Kubernetes data has them."""
    known = kube_kinds()
    return [known[gvk] for gvk in COMPUTE_KINDS if gvk in known]


@cache
def schema_prefix() -> str:
    """Prefix of the schemas' names: the Kubernetes release, and a hash of the data that they are made of."""
    digest = hashlib.sha256(str(_DATA_FORMAT).encode())
    digest.update(Path(DATA / "structures.gz").read_bytes())
    release = KUBERNETES_VERSION.lstrip("v").split(".")
    return f"v{release[0]}{release[1]}-{digest.hexdigest()[:8]}"


def schema_name(kind: KubeKind) -> str:
    return f"{schema_prefix()}.{kind.plural}.{kind.group or 'core'}"


def schema_object(kind: KubeKind) -> Object:
    """The APIResourceSchema of a Kubernetes kind. Expands the whole schema: only for what has to be written."""
    names: Object = {"plural": kind.plural, "singular": kind.singular, "kind": kind.kind, "listKind": kind.list_kind}
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    if kind.categories:
        names["categories"] = list(kind.categories)
    subresources: Object = {}
    if "status" in kind.subresources:
        subresources["status"] = {}
    if "scale" in kind.subresources:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".spec.selector",
        }
    version: Object = {"name": kind.version, "served": True, "storage": True, "schema": structural(kind.definition)}
    if subresources:
        version["subresources"] = subresources
    metadata: Object = {"name": schema_name(kind)}
    if kind.group.endswith(".k8s.io"):
        metadata["annotations"] = {APPROVED_ANNOTATION: "https://github.com/kcp-dev/kubernetes/pull/4"}
    return {
        "apiVersion": f"{APIS_GROUP}/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": metadata,
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
        },
    }


def compute_export() -> Object:
    export = export_object(
        COMPUTE_EXPORT,
        {(kind.group, kind.plural): schema_name(kind) for kind in compute_kinds()},
        policy=True,
    )
    export["metadata"]["annotations"] = {COMPUTE_ANNOTATION: "true"}
    return export


def compute_rbac() -> list[Object]:
    """Everyone may bind the export; what they may then do excludes making pods, which only Headwater brings about."""
    bind, policy = "system:headwater:compute:bind", "system:headwater:compute:maximal-permission-policy"
    rules = [
        rbac.rule(["pods"], rbac.READ),
        rbac.rule(["pods/log"], ["get"]),
        rbac.rule(["pods/exec", "pods/attach", "pods/portforward"], ["create", "get"]),
        rbac.rule(["pods/ephemeralcontainers"], ["get", "update", "patch"]),
        rbac.rule(["pods/proxy"], rbac.ALL),
    ]
    for kind in compute_kinds():
        if kind.plural != "pods":
            rules.append(rbac.rule([kind.plural], rbac.ALL, group=kind.group))
        if "status" in kind.subresources:
            rules.append(rbac.rule([f"{kind.plural}/status"], rbac.READ, group=kind.group))
        if "scale" in kind.subresources:
            rules.append(rbac.rule([f"{kind.plural}/scale"], ["get", "update", "patch"], group=kind.group))
    return [
        *rbac.granted(
            bind, ALL_AUTHENTICATED, rbac.rule(["apiexports"], ["bind"], group=APIS_GROUP, names=[COMPUTE_EXPORT])
        ),
        *rbac.granted(policy, rbac.consumers(ALL_AUTHENTICATED), *rules),
    ]
