"""The configuration that is applied downstream for an upstream object (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from headwater.apis.workload.labels import (
    CLUSTER_LABEL,
    DELETION_ANNOTATION_PREFIX,
    HISTORY_ANNOTATION,
    LOCATOR_ANNOTATION,
    REPORTED_ANNOTATION_PREFIX,
    SOFT_FINALIZERS_ANNOTATION_PREFIX,
    SPEC_DIFF_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    STATUS_DIFF_ANNOTATION_PREFIX,
    SUMMARIZING_ANNOTATION,
    SYNC_FAILURE_ANNOTATION_PREFIX,
    TRACE_ANNOTATION,
    WORKSPACE_URL_ANNOTATION,
)
from headwater.base import jsonio
from headwater.machinery.gvk import GroupResource
from headwater.machinery.logicalcluster import CLUSTER_ANNOTATION, PATH_ANNOTATION
from headwater.machinery.objects import Object, deep_copy, generation, labels, name
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.objects import namespace as namespace_of
from headwater.machinery.revisions import counted
from headwater.syncer.mutate.accounts import without_tokens
from headwater.syncer.mutate.derived import mark_what_is_derived
from headwater.syncer.mutate.dns import PodDns, with_workspace_dns
from headwater.syncer.mutate.jobs import without_generated_selector
from headwater.syncer.mutate.names import downstream_name
from headwater.syncer.mutate.pods import NO_ACCOUNT, PodAccount, with_upstream_account
from headwater.syncer.mutate.releases import without_newer_defaults
from headwater.syncer.mutate.secrets import without_token_type
from headwater.syncer.mutate.volumes import with_claim_below

HASH_ANNOTATION: Final = "internal.workload.kcp.io/applied-hash"
"""On downstream objects: hash of the configuration that was applied last."""
GENERATION_ANNOTATION: Final = "internal.workload.kcp.io/upstream-generation"
"""On downstream objects: metadata.generation of the upstream object that was applied last."""

REVISION_ANNOTATION: Final = "internal.workload.kcp.io/upstream-resource-version"
"""On downstream objects: resourceVersion upstream when it was applied last. A server below it went back in time."""

SHARD_ANNOTATION: Final = "internal.workload.kcp.io/upstream-shard"
"""On downstream objects: which server upstream that resourceVersion is of, since each counts by itself."""

ORIGIN_ANNOTATION: Final = "internal.workload.kcp.io/upstream-origin"
"""On downstream objects: what it was made for, as `TargetIdentity.origin` says it; locators are edited by hand."""

_DROPPED_ANNOTATIONS: Final = frozenset(
    {
        CLUSTER_ANNOTATION,
        PATH_ANNOTATION,
        WORKSPACE_URL_ANNOTATION,
        TRACE_ANNOTATION,
        SUMMARIZING_ANNOTATION,
        HISTORY_ANNOTATION,
        LOCATOR_ANNOTATION,
        "kubectl.kubernetes.io/last-applied-configuration",
        "kcp.io/original-api-version",
        HASH_ANNOTATION,
        GENERATION_ANNOTATION,
        REVISION_ANNOTATION,
        SHARD_ANNOTATION,
        ORIGIN_ANNOTATION,
    }
)
_DROPPED_ANNOTATION_PREFIXES: Final = (
    DELETION_ANNOTATION_PREFIX,
    SOFT_FINALIZERS_ANNOTATION_PREFIX,
    STATUS_DIFF_ANNOTATION_PREFIX,
    REPORTED_ANNOTATION_PREFIX,
    SPEC_DIFF_ANNOTATION_PREFIX,
    SYNC_FAILURE_ANNOTATION_PREFIX,
    "experimental.status.workload.kcp.io/",
)


def count_in(copy: Object, note: str) -> int | None:
    """The number in an annotation of a copy; None when there is none, as whoever edits a copy may write anything."""
    return counted(annotations_of(copy).get(note, ""))


def downstream_body(
    upstream: Object,
    resource: GroupResource,
    *,
    key: str,
    namespace: str,
    locator: str = "",
    account: PodAccount = NO_ACCOUNT,
    without_replicas: bool = False,
    namespace_below: Callable[[str], str] = lambda space: space,
    dns: PodDns | None = None,
) -> Object:
    """What to apply for an upstream object; the object itself stays as it is.

    Type, labels, annotations and all fields but status go down, without anything of the control plane's own
    bookkeeping and of other sync targets. ``locator`` is for cluster-scoped objects, which have no namespace to carry
    it, ``account`` for what runs pods, ``without_replicas`` for what an autoscaler of the pcluster scales.
    ``namespace_below`` gives the downstream namespace of another one of the workspace, ``dns`` is for pods that ask the
    resolver of their workspace. The hash of the result is in an annotation, so that an unchanged object can be
    recognised.
    """
    body: Object = {"apiVersion": upstream["apiVersion"], "kind": upstream["kind"], "metadata": {}}
    for field, value in upstream.items():
        if field not in ("apiVersion", "kind", "metadata", "status"):
            body[field] = deep_copy(value)
    body["metadata"] = _metadata(upstream, resource, key, namespace, locator)
    if without_replicas:
        body["spec"].pop("replicas", None)
    without_token_type(body, resource)
    without_tokens(body, resource)
    without_generated_selector(body)
    without_newer_defaults(body)
    with_upstream_account(body, account, namespace_of(upstream))
    mark_what_is_derived(body, key)
    with_claim_below(body, namespace_below)
    if dns is not None:
        with_workspace_dns(body, dns)
    digest = hashlib.sha256(jsonio.dumps_sorted(body)).hexdigest()[:32]
    body["metadata"]["annotations"][HASH_ANNOTATION] = digest
    return body


def _metadata(upstream: Object, resource: GroupResource, key: str, namespace: str, locator: str) -> Object:
    kept_labels = {
        label: value for label, value in labels(upstream).items() if not label.startswith(STATE_LABEL_PREFIX)
    }
    notes = {
        note: value
        for note, value in annotations_of(upstream).items()
        if note not in _DROPPED_ANNOTATIONS and not note.startswith(_DROPPED_ANNOTATION_PREFIXES)
    }
    if generation(upstream):
        notes[GENERATION_ANNOTATION] = str(generation(upstream))
    if locator:
        notes[LOCATOR_ANNOTATION] = locator
    meta: Object = {"name": downstream_name(resource, name(upstream))}
    if namespace:
        meta["namespace"] = namespace
    meta["labels"] = {**kept_labels, CLUSTER_LABEL: key}
    meta["annotations"] = notes
    return meta
