"""Workspace: the object in a parent logical cluster that stands for a child logical cluster."""

from __future__ import annotations

from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import (
    Object,
    array,
    conditions,
    immutable,
    label_selector,
    obj,
    resource,
    string,
    with_rule,
)

GROUP = "tenancy.kcp.io"

PHASE_SCHEDULING = "Scheduling"
PHASE_INITIALIZING = "Initializing"
PHASE_READY = "Ready"
PHASE_UNAVAILABLE = "Unavailable"
PHASE_INACTIVE = "Inactive"
PHASE_TERMINATING = "Terminating"
PHASE_DELETING = "Deleting"
PHASES = (
    PHASE_SCHEDULING,
    PHASE_INITIALIZING,
    PHASE_READY,
    PHASE_UNAVAILABLE,
    PHASE_INACTIVE,
    PHASE_TERMINATING,
    PHASE_DELETING,
)

CONDITION_SCHEDULED = "WorkspaceScheduled"
CONDITION_INITIALIZED = "WorkspaceInitialized"
CONDITION_API_BINDINGS_INITIALIZED = "APIBindingsInitialized"
CONDITION_CONTENT_DELETED = "WorkspaceContentDeleted"
CONDITION_PREFIX = "Workspace"
"""A False condition whose type starts so makes a Ready workspace Unavailable."""

REASON_UNSCHEDULABLE = "Unschedulable"
REASON_INITIALIZER_EXISTS = "InitializerExists"
REASON_DISAPPEARED = "WorkspaceDisappeared"
REASON_WAITING_ON_BINDINGS = "WaitingOnAPIBindings"
REASON_TYPES_INVALID = "WorkspaceTypesInvalid"
REASON_SOME_RESOURCES_REMAIN = "SomeResourcesRemain"

OWNER_ANNOTATION = "experimental.tenancy.kcp.io/owner"
REQUIRED_GROUPS_ANNOTATION = "authorization.kcp.io/required-groups"
SHARD_ANNOTATION = "core.kcp.io/shard"
SHARD_HASH_ANNOTATION = "internal.tenancy.kcp.io/shard"
CLUSTER_ANNOTATION = "internal.tenancy.kcp.io/cluster"
PHASE_LABEL = "tenancy.kcp.io/phase"
FINALIZER = "core.kcp.io/logicalcluster"

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
TYPE_NAME_PATTERN = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
CLUSTER_PATH_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def _type_reference() -> Object:
    return obj(
        "The type of the workspace. Without it, the parent type's default child type is taken.",
        required=["name"],
        name=immutable(string("Name of the WorkspaceType.", pattern=TYPE_NAME_PATTERN), "name is immutable"),
        path=immutable(
            string("Logical cluster path of the WorkspaceType.", pattern=CLUSTER_PATH_PATTERN), "path is immutable"
        ),
    )


def _mount() -> Object:
    return obj(
        "Makes this workspace a mount: requests go to the URL of the referenced object.",
        required=["ref"],
        ref=immutable(
            obj(
                "The object that stands for the mounted server.",
                required=["apiVersion", "kind", "name"],
                apiVersion=string("Its API version.", min_length=1),
                kind=string("Its kind.", min_length=1),
                name=string("Its name.", min_length=1),
                namespace=string("Its namespace, for namespaced kinds."),
            ),
            "ref is immutable",
        ),
    )


def _spec() -> Object:
    spec = obj(
        "What the workspace should be.",
        default={},
        type=_type_reference(),
        location=obj("Where the workspace may live.", selector=label_selector("Selects among the shards.")),
        cluster=immutable(string("Name of the logical cluster. Set by the system."), "cluster is immutable"),
        URL=string("Where the logical cluster is served. Set by the system."),
        mount=_mount(),
    )
    with_rule(spec, "!has(oldSelf.URL) || has(self.URL)", "URL cannot be unset")
    return with_rule(spec, "!has(oldSelf.cluster) || has(self.cluster)", "cluster cannot be unset")


def _status() -> Object:
    return obj(
        "What the system knows of the workspace.",
        default={},
        phase=string("The step of its life that the workspace is in.", enum=PHASES, default=PHASE_SCHEDULING),
        conditions=conditions(),
        initializers=array(string(), "Initializers that have still to finish before the workspace is Ready."),
        terminators=array(string(), "Terminators that have still to finish before the content is deleted."),
    )


WORKSPACE = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="Workspace",
    plural="workspaces",
    singular="workspace",
    short_names=("ws",),
    schema=resource("A workspace: a logical cluster of one's own, below this one.", spec=_spec(), status=_status()),
    columns=(
        column("Type", ".spec.type.name", description="Type of the workspace"),
        column("Region", ".metadata.labels['region']", description="Region that the workspace is in"),
        column("Phase", ".status.phase", description="Step of its life that the workspace is in"),
        column("URL", ".spec.URL", description="URL to reach the workspace"),
        AGE_COLUMN,
    ),
)
