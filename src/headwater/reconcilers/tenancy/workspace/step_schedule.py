"""What scheduling a workspace writes, as plain functions: shard, logical cluster, owner's rights, URL."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER, TYPE_ANNOTATION
from headwater.apis.core.v1alpha1.logicalcluster import NAME as LOGICAL_CLUSTER_NAME
from headwater.apis.core.v1alpha1.shard import UNSCHEDULABLE_ANNOTATION
from headwater.apis.tenancy.v1alpha1.workspace import (
    CLUSTER_ANNOTATION,
    CONDITION_SCHEDULED,
    FINALIZER,
    OWNER_ANNOTATION,
    PHASE_INITIALIZING,
    REASON_UNSCHEDULABLE,
    REQUIRED_GROUPS_ANNOTATION,
    SHARD_ANNOTATION,
    SHARD_HASH_ANNOTATION,
    WORKSPACE,
)
from headwater.base import jsonio
from headwater.base.hashing import base36_sha224
from headwater.machinery import conditions, logicalcluster, objects
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object

OWNER_BINDING = "workspace-admin"
_NAME_LENGTH = 16
_SHARD_HASH_LENGTH = 8


def new_cluster_name() -> str:
    """A random name of a logical cluster: 16 characters of base 36, so collisions need billions of workspaces."""
    return base36_sha224(secrets.token_bytes(32))[:_NAME_LENGTH]


def shard_hash(name: str) -> str:
    """The short form of a shard's name."""
    return base36_sha224(name)[:_SHARD_HASH_LENGTH]


def choose_shard(workspace: Object, shards: Sequence[Object]) -> Object | None:
    """A shard that the workspace's selector admits and that takes workspaces; None when there is none."""
    wanted = objects.nested(workspace, "spec", "location", "selector", default={})
    selector = selector_from_label_selector(wanted)
    for shard in shards:
        if objects.annotations(shard).get(UNSCHEDULABLE_ANNOTATION) != "true" and selector.matches(
            objects.labels(shard)
        ):
            return shard
    return None


def assign(workspace: Object, shard: Object, cluster: str) -> None:
    """Record where the workspace will live, before anything is made there."""
    name = objects.name(shard)
    objects.set_annotation(workspace, SHARD_ANNOTATION, name)
    objects.set_annotation(workspace, SHARD_HASH_ANNOTATION, shard_hash(name))
    objects.set_annotation(workspace, CLUSTER_ANNOTATION, cluster)
    objects.add_finalizer(workspace, FINALIZER)


def unschedulable(workspace: Object, now: datetime) -> None:
    conditions.mark_false(
        workspace,
        CONDITION_SCHEDULED,
        REASON_UNSCHEDULABLE,
        conditions.ERROR,
        "No available shards to schedule the workspace",
        now,
    )


def canonical_path(parent_path: str, workspace: Object) -> str:
    return logicalcluster.join(parent_path, objects.name(workspace))


def logical_cluster_of(
    workspace: Object, *, path: str, initializers: Sequence[str], terminators: Sequence[str]
) -> Object:
    """The LogicalCluster that a workspace gets."""
    annotations = objects.annotations(workspace)
    reference = objects.nested(workspace, "spec", "type", default={})
    kept = {
        logicalcluster.PATH_ANNOTATION: path,
        TYPE_ANNOTATION: f"{reference.get('path', '')}:{reference.get('name', '')}",
        SHARD_ANNOTATION: annotations.get(SHARD_ANNOTATION),
        OWNER_ANNOTATION: annotations.get(OWNER_ANNOTATION),
        REQUIRED_GROUPS_ANNOTATION: annotations.get(REQUIRED_GROUPS_ANNOTATION),
    }
    spec: Object = {
        "directlyDeletable": False,
        "owner": {
            "apiVersion": WORKSPACE.api_version,
            "resource": WORKSPACE.plural,
            "name": objects.name(workspace),
            "cluster": objects.cluster_name(workspace),
            "uid": objects.uid(workspace),
        },
        "createdBy": owner_info(workspace),
    }
    if initializers:
        spec["initializers"] = list(initializers)
    if terminators:
        spec["terminators"] = list(terminators)
    return {
        "apiVersion": LOGICAL_CLUSTER.api_version,
        "kind": LOGICAL_CLUSTER.kind,
        "metadata": {
            "name": LOGICAL_CLUSTER_NAME,
            "annotations": {key: value for key, value in kept.items() if value},
        },
        "spec": spec,
    }


def is_owned(logical_cluster: Object, workspace: Object) -> bool:
    """Whether the logical cluster was made for this very workspace."""
    owner: Object = objects.nested(logical_cluster, "spec", "owner", default={})
    return (owner.get("cluster"), owner.get("uid")) == (objects.cluster_name(workspace), objects.uid(workspace))


def owner_info(workspace: Object) -> Object:
    """The UserInfo of who created the workspace; empty when that isn't known."""
    try:
        info = jsonio.loads(objects.annotations(workspace).get(OWNER_ANNOTATION) or "{}")
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def trim_owner(workspace: Object) -> bool:
    """Once the workspace is Ready only the name of the owner is kept; says whether that changed anything."""
    info = owner_info(workspace)
    if not info or info.keys() == {"username"}:
        return False
    short = {"username": info.get("username", "")}
    return objects.set_annotation(workspace, OWNER_ANNOTATION, jsonio.dumps(short).decode())


def locate(workspace: Object, *, cluster: str, url: str) -> None:
    """Record the logical cluster in the spec."""
    spec = workspace.setdefault("spec", {})
    spec["cluster"], spec["URL"] = cluster, url


def mark_initializing(workspace: Object, now: datetime) -> None:
    workspace.setdefault("status", {})["phase"] = PHASE_INITIALIZING
    conditions.mark_true(workspace, CONDITION_SCHEDULED, now)


def owner_binding(user: str) -> Object:
    """Makes the owner of a workspace its administrator."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": OWNER_BINDING},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
