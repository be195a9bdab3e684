"""APIExport v1alpha1: the older form, with a plain list of schemas and claims without verbs."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import Object, array, boolean, conditions, obj, properties, resource, string


def claim_v1(*, state: bool) -> Object:
    """A permission claim of v1alpha1: all objects, or objects by name and namespace."""
    props: dict[str, Object] = {
        "group": string("API group; empty for the core group.", default=""),
        "resource": string("Resource, in lower case plural.", min_length=1),
        "identityHash": string("Identity of the resource, unless it is built in."),
        "all": boolean("Claims all objects of the resource."),
        "resourceSelector": array(
            obj(
                "Objects by name and namespace.",
                name=string("Name of the object; empty means all."),
                namespace=string("Namespace of the objects; empty means all."),
            ),
            "Claims only these objects.",
        ),
    }
    if state:
        props["state"] = string("What the consumer decided.", enum=["Accepted", "Rejected"])
    return properties("A claim on a resource of the consumer.", props, required=["resource"])


def export_status() -> Object:
    return obj(
        "What the system knows of the export.",
        identityHash=string("Hash of the identity key: names the storage of the exported resources."),
        conditions=conditions(),
        virtualWorkspaces=array(
            obj(required=["url"], url=string("The URL.", min_length=1)),
            "Where consumers' objects are reached. Replaced by APIExportEndpointSlices.",
        ),
    )


def export_identity() -> Object:
    return obj(
        "The secret that owns the identity of the exported resources.",
        secretRef=obj(
            "The Secret, whose field key holds the identity key.",
            namespace=string("Its namespace."),
            name=string("Its name."),
        ),
    )


def maximal_permission_policy() -> Object:
    return obj(
        "What consumers may do at most.",
        local=obj("RBAC of this logical cluster, for users and groups prefixed apis.kcp.io:binding: decides."),
    )


API_EXPORT_V1ALPHA1 = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="APIExport",
    plural="apiexports",
    singular="apiexport",
    schema=resource(
        "An offer of resources to other logical clusters.",
        spec=obj(
            "What is offered.",
            default={},
            latestResourceSchemas=array(string(), "Names of the APIResourceSchemas.", list_type="set"),
            permissionClaims=array(
                claim_v1(state=False),
                "Resources of consumers that the provider wants to reach.",
                map_keys=["group", "resource"],
            ),
            identity=export_identity(),
            maximalPermissionPolicy=maximal_permission_policy(),
        ),
        status=export_status(),
    ),
    storage=False,
    deprecated=True,
    columns=(
        column("Ready", '.status.conditions[?(@.type=="IdentityValid")].status', description="Identity is valid"),
        AGE_COLUMN,
    ),
)
