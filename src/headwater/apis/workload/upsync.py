"""What may come up from a pcluster, and who has to ask for it: one rule for the control plane and its syncers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.machinery.gvk import GroupResource

PODS: Final = GroupResource("", "pods")
SECRETS: Final = GroupResource("", "secrets")
EVENTS: Final = GroupResource("", "events")
ENDPOINTS: Final = GroupResource("", "endpoints")
ENDPOINT_SLICES: Final = GroupResource("discovery.k8s.io", "endpointslices")
PERSISTENT_VOLUMES: Final = GroupResource("", "persistentvolumes")
MADE_BELOW: Final = frozenset({PODS, ENDPOINTS, ENDPOINT_SLICES, PERSISTENT_VOLUMES})
"""Kubernetes' own kinds that controllers of the pcluster make."""

DERIVED_ANNOTATION: Final = "experimental.workload.kcp.io/upsync-derived-resources"
"""Comma list of resources that are to come up: on a Service its `endpoints` and `endpointslices.discovery.k8s.io`, on
a PersistentVolumeClaim its `persistentvolumes`, on a Namespace the `secrets` that are marked in it."""

RESOURCE_VERSION_ANNOTATION: Final = "workload.kcp.io/rv"
"""On an upsynced object: resourceVersion of the downstream object that it was last made from."""

UPSYNC_DIFF_ANNOTATION_PREFIX: Final = "internal.workload.kcp.io/upsyncdiff"
"""With a sync target key right behind it, in a write to the upsyncer virtual workspace: a JSON patch for the object."""

_KUBERNETES_GROUPS: Final = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
_FOREIGN_SUFFIXES: Final = (".k8s.io", ".kcp.io")


def may_come_up(group: str, resource: str) -> bool:
    """Whether objects of an exported resource may be upsynced.

    Of Kubernetes' own kinds those that a pcluster makes; kinds of other groups all, since an operator of the pcluster
    may make them.
    """
    if GroupResource(group, resource) in MADE_BELOW:
        return True
    return group not in _KUBERNETES_GROUPS and not f".{group}".endswith(_FOREIGN_SUFFIXES)


def asks_for(notes: Mapping[str, str], resource: GroupResource) -> bool:
    """Whether the annotations of an object ask for a derived resource; its group may be left out."""
    listed = {each.strip() for each in notes.get(DERIVED_ANNOTATION, "").split(",")}
    return resource.resource in listed or str(resource) in listed


def asks_for_any(notes: Mapping[str, str]) -> bool:
    """Whether annotations ask for any derived resource."""
    return bool(notes.get(DERIVED_ANNOTATION, "").strip(" ,"))


def upsync_diff_annotation(key: str) -> str:
    """The annotation by which the syncer of a target changes an object on its way up."""
    return UPSYNC_DIFF_ANNOTATION_PREFIX + key


def is_system_mark(name: str) -> bool:
    """Whether a label or annotation speaks of the control plane itself, by its domain."""
    return f".{name.partition('/')[0]}".endswith(".kcp.io")
