"""LogicalCluster: the singleton ``cluster`` that makes a logical cluster exist."""

from __future__ import annotations

from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import Object, array, boolean, conditions, immutable, map_of, obj, resource, string
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_SCHEDULING, PHASES

GROUP = "core.kcp.io"
NAME = "cluster"
"""The one name that a LogicalCluster may have."""

TYPE_ANNOTATION = "internal.tenancy.kcp.io/type"
"""``<path>:<name>`` of the WorkspaceType."""
INACTIVE_ANNOTATION = "core.kcp.io/inactive"
LEGACY_INACTIVE_ANNOTATION = "internal.kcp.io/inactive"

DELETION_FINALIZER = "core.kcp.io/logicalcluster-deletion"
TERMINATORS_FINALIZER = "kcp.io/has-terminators"
INITIALIZER_LABEL_PREFIX = "initializer.internal.kcp.io/"
TERMINATOR_LABEL_PREFIX = "terminator.internal.kcp.io/"


def _owner() -> Object:
    return obj(
        "The object in another logical cluster that this one belongs to; usually a Workspace.",
        required=["apiVersion", "cluster", "name", "resource", "uid"],
        apiVersion=string("Its API version."),
        resource=string("Its resource, in lower case plural."),
        name=string("Its name."),
        namespace=string("Its namespace, for namespaced owners."),
        cluster=string("Name of the logical cluster that it is in."),
        uid=string("Its UID."),
    )


def _created_by() -> Object:
    return immutable(
        obj(
            "Who asked for the logical cluster.",
            username=string("Name of the user."),
            uid=string("Identity of the user beyond the name."),
            groups=array(string(), "Groups of the user.", list_type="atomic"),
            extra=map_of(array(string()), "Whatever else the authenticator said of the user."),
        ),
        "createdBy is immutable",
    )


LOGICAL_CLUSTER = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="LogicalCluster",
    plural="logicalclusters",
    singular="logicalcluster",
    schema=resource(
        "A logical cluster.",
        spec=obj(
            "What the logical cluster should be.",
            default={},
            directlyDeletable=boolean("Whether users may delete the object itself.", default=False),
            owner=_owner(),
            createdBy=_created_by(),
            initializers=immutable(
                array(string(), "Initializers that run before the logical cluster is ready."),
                "initializers is immutable",
            ),
            terminators=array(string(), "Terminators that run before the content is deleted."),
        ),
        status=obj(
            "What the system knows of the logical cluster.",
            default={},
            URL=string("Where the logical cluster is served."),
            phase=string("The step of its life that it is in.", enum=PHASES, default=PHASE_SCHEDULING),
            conditions=conditions(),
            initializers=array(string(), "Initializers that have still to finish."),
            terminators=array(string(), "Terminators that have still to finish."),
        ),
    ),
    columns=(
        column("Phase", ".status.phase", description="Step of its life that the logical cluster is in"),
        column("URL", ".status.URL", description="URL to reach the logical cluster"),
        AGE_COLUMN,
    ),
)
