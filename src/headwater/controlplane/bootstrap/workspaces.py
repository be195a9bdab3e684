"""The objects of logical clusters that exist from the start, in the state that controllers would bring them to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.apis.apis.v1alpha1.apibinding import PHASE_BOUND
from headwater.apis.apis.v1alpha2.apibinding import (
    API_BINDING,
    CONDITION_CLAIMS_APPLIED,
    CONDITION_CLAIMS_VALID,
    CONDITION_EXPORT_VALID,
    CONDITION_INITIAL_BINDING,
    CONDITION_UP_TO_DATE,
    EXPORT_LABEL,
    FINALIZER,
)
from headwater.apis.apis.v1alpha2.apiexport import IDENTITY_NAMESPACE
from headwater.apis.core.v1alpha1.logicalcluster import (
    DELETION_FINALIZER,
    LOGICAL_CLUSTER,
    NAME,
    TYPE_ANNOTATION,
)
from headwater.apis.core.v1alpha1.shard import ROOT_SHARD_NAME, SHARD
from headwater.apis.tenancy.v1alpha1.workspace import (
    CLUSTER_ANNOTATION,
    OWNER_ANNOTATION,
    PHASE_LABEL,
    PHASE_READY,
    SHARD_ANNOTATION,
    WORKSPACE,
)
from headwater.apis.tenancy.v1alpha1.workspace import FINALIZER as WORKSPACE_FINALIZER
from headwater.base.hashing import base62_sha224
from headwater.controlplane.authorization.roles import ADMIN_CLUSTER
from headwater.machinery.logicalcluster import ROOT, base

Object = dict[str, Any]

__all__ = ["ADMIN_CLUSTER", "BoundSchema", "binding", "logical_cluster", "namespace", "shard", "workspace"]

NAMESPACES = ("default", "kube-system", IDENTITY_NAMESPACE)
_OWNER = '{"username":"system:kcp-bootstrapper"}'


class BoundSchema(NamedTuple):
    """A schema that a binding serves: its resource, storage version, name and uid."""

    group: str
    resource: str
    version: str
    name: str
    uid: str


def true_condition(type_: str, now: str) -> Object:
    return {"type": type_, "status": "True", "lastTransitionTime": now}


def logical_cluster(path: str, type_: str, url: str, owner_uid: str | None) -> Object:
    """A ready LogicalCluster; with an owner it belongs to the Workspace of that uid in ``root``."""
    spec: Object = {"directlyDeletable": False, "createdBy": {"username": "system:kcp-bootstrapper"}}
    if owner_uid:
        spec["owner"] = {
            "apiVersion": WORKSPACE.api_version,
            "resource": WORKSPACE.plural,
            "name": base(path),
            "cluster": ROOT,
            "uid": owner_uid,
        }
    return {
        "apiVersion": LOGICAL_CLUSTER.api_version,
        "kind": LOGICAL_CLUSTER.kind,
        "metadata": {
            "name": NAME,
            "labels": {PHASE_LABEL: PHASE_READY},
            "annotations": {TYPE_ANNOTATION: type_, SHARD_ANNOTATION: ROOT_SHARD_NAME, OWNER_ANNOTATION: _OWNER},
            "finalizers": [DELETION_FINALIZER],
        },
        "spec": spec,
        "status": {"phase": PHASE_READY, "URL": url},
    }


def workspace(name: str, *, cluster: str, url: str) -> Object:
    """A ready Workspace of type universal in ``root``."""
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {
            "name": name,
            "annotations": {
                OWNER_ANNOTATION: _OWNER,
                SHARD_ANNOTATION: ROOT_SHARD_NAME,
                CLUSTER_ANNOTATION: cluster,
            },
            "finalizers": [WORKSPACE_FINALIZER],
        },
        "spec": {"type": {"name": "universal", "path": ROOT}, "cluster": cluster, "URL": url},
        "status": {"phase": PHASE_READY},
    }


def namespace(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def shard(name: str, url: str) -> Object:
    return {
        "apiVersion": SHARD.api_version,
        "kind": SHARD.kind,
        "metadata": {"name": name, "labels": {"name": name}},
        "spec": {"baseURL": url, "externalURL": url, "virtualWorkspaceURL": url},
    }


def binding(export: str, schemas: Sequence[BoundSchema], *, identity: str, now: str) -> Object:
    """A bound APIBinding of an export of ``root``."""
    conditions = (
        "Ready",
        CONDITION_EXPORT_VALID,
        CONDITION_UP_TO_DATE,
        CONDITION_INITIAL_BINDING,
        CONDITION_CLAIMS_APPLIED,
        CONDITION_CLAIMS_VALID,
    )
    return {
        "apiVersion": API_BINDING.api_version,
        "kind": API_BINDING.kind,
        "metadata": {
            "name": export,
            "labels": {EXPORT_LABEL: base62_sha224(f"{ROOT}:{export}")},
            "finalizers": [FINALIZER],
        },
        "spec": {"reference": {"export": {"path": ROOT, "name": export}}},
        "status": {
            "apiExportClusterName": ROOT,
            "phase": PHASE_BOUND,
            "boundResources": [
                {
                    "group": schema.group,
                    "resource": schema.resource,
                    "schema": {"name": schema.name, "UID": schema.uid, "identityHash": identity},
                    "storageVersions": [schema.version],
                }
                for schema in schemas
            ],
            "conditions": [true_condition(type_, now) for type_ in conditions],
        },
    }
