"""APIBinding: takes up the resources of an APIExport in a logical cluster."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apibinding import BINDING_COLUMNS, binding_reference, binding_status
from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.apis.v1alpha2.apiexport import claim_selector, claim_v2
from headwater.apis.kind import Kind
from headwater.apis.markers import array, immutable, obj, resource, string

CONDITION_EXPORT_VALID = "APIExportValid"
CONDITION_INITIAL_BINDING = "InitialBindingCompleted"
CONDITION_UP_TO_DATE = "BindingUpToDate"
CONDITION_CLAIMS_VALID = "PermissionClaimsValid"
CONDITION_CLAIMS_APPLIED = "PermissionClaimsApplied"
CONDITION_RESOURCES_DELETED = "BindingResourceDeleteSuccess"

REASON_INVALID_REFERENCE = "APIExportInvalidReference"
REASON_NOT_FOUND = "APIExportNotFound"
REASON_MISSING_IDENTITY = "MissingIdentityHash"
REASON_INTERNAL_ERROR = "InternalError"
REASON_NAMING_CONFLICTS = "NamingConflicts"
REASON_SCHEMA_INVALID = "APIResourceSchemaInvalid"
REASON_CLAIMS_MISMATCH = "PermissionClaimsMismatch"
REASON_RESOURCES_REMAIN = "SomeResourcesRemain"
REASON_FINALIZERS_REMAIN = "SomeFinalizersRemain"

FINALIZER = "apis.kcp.io/apibinding-finalizer"
EXPORT_LABEL = "internal.apis.kcp.io/export"
"""Carries ``base62(sha224("<export cluster>:<export name>"))``."""

ACCEPTED = "Accepted"
REJECTED = "Rejected"

API_BINDING = Kind(
    group=GROUP,
    version="v1alpha2",
    kind="APIBinding",
    plural="apibindings",
    singular="apibinding",
    schema=resource(
        "Takes up the resources of an APIExport.",
        spec=obj(
            "What is bound.",
            required=["reference"],
            reference=binding_reference(),
            permissionClaims=array(
                claim_v2(
                    "selector",
                    "state",
                    selector=immutable(claim_selector(), "Permission claim selector is immutable"),
                    state=string("What the consumer decided.", enum=[ACCEPTED, REJECTED]),
                ),
                "What the consumer decided on the provider's claims.",
            ),
        ),
        status=binding_status(claim_v2(selector=claim_selector())),
        required=["spec"],
    ),
    columns=BINDING_COLUMNS,
)
