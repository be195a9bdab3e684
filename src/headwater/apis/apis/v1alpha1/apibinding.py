"""APIBinding v1alpha1: the older form, whose claims are accepted whole or by name and namespace."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiexport import claim_v1
from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import Object, array, conditions, immutable, obj, resource, string

PHASE_NONE = ""
PHASE_BINDING = "Binding"
PHASE_BOUND = "Bound"


def binding_reference() -> Object:
    return immutable(
        obj(
            "What is bound.",
            required=["export"],
            export=obj(
                "The APIExport.",
                required=["name"],
                path=string("Logical cluster path of the export; empty means this one."),
                name=string("Name of the export.", min_length=1),
            ),
        ),
        "APIExport reference must not be changed",
    )


def bound_resources() -> Object:
    return array(
        obj(
            "A resource that is served through the binding.",
            required=["group", "resource", "schema"],
            group=string("API group; empty for the core group."),
            resource=string("Resource, in lower case plural."),
            schema=obj(
                "The schema that it is served by.",
                required=["UID", "identityHash", "name"],
                name=string("Name of the APIResourceSchema."),
                UID=string("UID of the APIResourceSchema."),
                identityHash=string("Identity of the export: names the storage."),
            ),
            storageVersions=array(string(), "Versions that objects were ever stored in.", list_type="set"),
        ),
        "The resources that are served through the binding.",
        map_keys=["group", "resource"],
    )


def binding_status(claim: Object) -> Object:
    """The status with the given form of permission claims."""
    return obj(
        "What the system knows of the binding.",
        apiExportClusterName=string("Name of the logical cluster that the export is in."),
        boundResources=bound_resources(),
        phase=string("The step that the binding is in.", enum=[PHASE_NONE, PHASE_BINDING, PHASE_BOUND]),
        conditions=conditions(),
        appliedPermissionClaims=array(claim, "Claims that are in force."),
        exportPermissionClaims=array(claim, "Claims that the export makes."),
    )


BINDING_COLUMNS = (
    AGE_COLUMN,
    column("Ready", '.status.conditions[?(@.type=="Ready")].status', description="Whether the resources are served"),
)

API_BINDING_V1ALPHA1 = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="APIBinding",
    plural="apibindings",
    singular="apibinding",
    schema=resource(
        "Takes up the resources of an APIExport.",
        spec=obj(
            "What is bound.",
            required=["reference"],
            reference=binding_reference(),
            permissionClaims=array(claim_v1(state=True), "What the consumer decided on the provider's claims."),
        ),
        status=binding_status(claim_v1(state=False)),
        required=["spec"],
    ),
    storage=False,
    deprecated=True,
    columns=BINDING_COLUMNS,
)
