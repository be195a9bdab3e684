"""Every label, annotation and finalizer key of the workload domain, and the key that names a SyncTarget in them.

The keys are those of kcp's transparent multi-cluster, unchanged, so that what was written for it keeps working.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from headwater.base.hashing import base36_sha224, base62_sha224

STATE_LABEL_PREFIX: Final = "state.workload.kcp.io/"
"""Label prefix; the rest is a sync target key. On a namespace or an object: this target runs it."""

STATE_SYNC: Final = "Sync"
"""Value of a state label: the syncer of the target brings the object down."""

STATE_PENDING: Final = ""
"""Value of a state label on a cluster-scoped object: the target may have it, once somebody changes this to `Sync`."""

STATE_UPSYNC: Final = "Upsync"
"""Value of a state label: the object lives on the pcluster and is copied up."""

DELETION_ANNOTATION_PREFIX: Final = "deletion.internal.workload.kcp.io/"
"""Annotation prefix; RFC 3339 time since when the target should drop the object."""

SOFT_FINALIZERS_ANNOTATION_PREFIX: Final = "finalizers.workload.kcp.io/"
"""Annotation prefix; a comma list that, while not empty, keeps the object on the target."""

SYNCER_FINALIZER_PREFIX: Final = "workload.kcp.io/syncer-"
"""Finalizer prefix; the syncer of the target still has (or may have) a downstream copy."""

STATUS_DIFF_ANNOTATION_PREFIX: Final = "diff.syncer.internal.kcp.io/"
"""Annotation prefix; JSON map field path -> value reported by that target's syncer."""

SPEC_DIFF_ANNOTATION_PREFIX: Final = "experimental.spec-diff.workload.kcp.io/"
"""Annotation prefix; RFC 6902 patch on `.spec` for that target's view."""

REPORTED_ANNOTATION_PREFIX: Final = "reported.workload.kcp.io/"
"""Annotation prefix; RFC 3339 time at which that target's syncer last reported a change of status."""

SYNC_FAILURE_ANNOTATION_PREFIX: Final = "sync-failed.workload.kcp.io/"
"""Annotation prefix; why that target's pcluster does not take the object as it is. Absent when it does."""

HISTORY_ANNOTATION: Final = "scheduling.kcp.io/history"
"""Annotation on an object with pods: JSON list of its last moves, the newest last."""

STATUS_PROMOTED: Final = "##promoted##"
"""Value in a status diff: the object's own field is this target's value."""

SUMMARIZING_ANNOTATION: Final = "experimental.summarizing.workload.kcp.io"
"""JSON list of rules that say which fields a target reports and whether they are promoted."""

CLUSTER_LABEL: Final = "internal.workload.kcp.io/cluster"
"""Label on downstream objects: the sync target key they were synced for."""

KEY_LABEL: Final = "internal.workload.kcp.io/key"
"""Label on a SyncTarget: its own key, for reverse look-up."""

PLACEMENT_TARGET_ANNOTATION: Final = "internal.workload.kcp.io/synctarget"
"""Annotation on a Placement: comma list of the keys of its chosen targets (one for a Placement with one target)."""

UNTRIED_TARGETS_ANNOTATION: Final = "internal.workload.kcp.io/synctarget-untried"
"""Annotation on a Placement: comma list of the keys of those chosen targets that none of its workloads, which ran
elsewhere when they were chosen, has come to yet."""

TARGET_ANNOTATION_PREFIXES: Final = (
    STATUS_DIFF_ANNOTATION_PREFIX,
    REPORTED_ANNOTATION_PREFIX,
    DELETION_ANNOTATION_PREFIX,
    SPEC_DIFF_ANNOTATION_PREFIX,
    SOFT_FINALIZERS_ANNOTATION_PREFIX,
    SYNC_FAILURE_ANNOTATION_PREFIX,
)
"""All annotations that an object has for one target; they go when the target lets go of it."""

WORKSPACE_URL_ANNOTATION: Final = "internal.workload.kcp.io/workspace-url"
"""Annotation in a syncer's view: the URL of the object's workspace. Never stored, never sent downstream."""

TRACE_ANNOTATION: Final = "internal.workload.kcp.io/traceparent"
"""Annotation in a syncer's view: the trace of the object's last write. Never stored, never sent downstream."""

PLACEMENT_ANNOTATION: Final = "scheduling.kcp.io/placement"
"""Annotation on a namespace: present while at least one valid Placement matches."""

LOCATION_LABELS_ANNOTATION: Final = "scheduling.kcp.io/labels"
"""Annotation on a Location: its labels as `k=v`, sorted, for a printer column."""

COMPUTE_EXPORT_ANNOTATION: Final = "extra.apis.kcp.io/compute.workload.kcp.io"
"""Annotation on an APIExport, copied to its bindings: these resources run on pclusters."""

LOCATOR_ANNOTATION: Final = "kcp.io/namespace-locator"
"""Annotation on downstream namespaces and cluster-scoped objects: where they come from."""

TENANT_LABEL: Final = "kcp.io/tenant-id"
"""Label on downstream namespaces: one value for each (workspace, sync target)."""

SYNCER_ID_PREFIX: Final = "kcp-syncer-"
"""What names that `syncer_id` makes begin with."""

DNS_LABEL: Final = "internal.workload.kcp.io/dns"
"""Label on what makes up a workspace's resolver on a pcluster: the sync target key. Endpoints get it from Services."""

WORKSPACE_LABEL: Final = "internal.workload.kcp.io/workspace"
"""Label on the same: the logical cluster that the resolver is for."""

ISOLATION_LABEL: Final = "internal.workload.kcp.io/isolation"
"""Label on the network policies that keep tenants apart on a pcluster: the sync target key."""

ISOLATION_POLICY: Final = "kcp-tenant-isolation"
"""Name of that policy in every downstream namespace."""

UNSCHEDULED_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease", "kcp-system"})
"""Namespaces whose content never leaves the control plane."""


_DNS_NAME_LENGTH: Final = 37


@lru_cache(maxsize=4096)
def sync_target_key(cluster_name: str, name: str) -> str:
    """The key of a SyncTarget: base62 of SHA-224 over `<logical cluster name>:<name>` (kcp's algorithm).

    A key is at most 38 characters, so that it fits behind any label prefix. With an empty cluster name the hash
    is over the name alone.
    """
    return base62_sha224(f"{cluster_name}:{name}" if cluster_name else name)


def syncer_id(sync_target_name: str, uid: str) -> str:
    """Name of everything that belongs to one syncer: account, roles, downstream namespace and Deployment."""
    return f"{SYNCER_ID_PREFIX}{sync_target_name}-{base36_sha224(uid)[:8]}"


def dns_id(sync_target_name: str, uid: str, cluster_name: str) -> str:
    """Name of everything that belongs to the resolver of one workspace on one pcluster (kcp's algorithm).

    It names a Service, so what is too long of a SyncTarget's name is left out, and dots in it become dashes.
    """
    shown = sync_target_name.replace(".", "-")[:_DNS_NAME_LENGTH].rstrip("-")
    return f"kcp-dns-{shown}-{base36_sha224(uid)[:8]}-{base36_sha224(cluster_name)[:8]}"


def state_label(key: str) -> str:
    """State label of the target with this key."""
    return STATE_LABEL_PREFIX + key


def deletion_annotation(key: str) -> str:
    """Deletion mark of the target with this key."""
    return DELETION_ANNOTATION_PREFIX + key


def sync_failure_annotation(key: str) -> str:
    """Where the syncer of the target with this key says why its pcluster refuses an object."""
    return SYNC_FAILURE_ANNOTATION_PREFIX + key


def syncer_finalizer(key: str) -> str:
    """Finalizer of the syncer of the target with this key."""
    return SYNCER_FINALIZER_PREFIX + key
