"""APIExport: the offer of resources, each by its schema, to other logical clusters."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiexport import (
    API_EXPORT_V1ALPHA1,
    export_identity,
    export_status,
    maximal_permission_policy,
)
from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.kind import Kind
from headwater.apis.markers import Object, array, label_selector, obj, properties, resource, string

CONDITION_IDENTITY_VALID = "IdentityValid"
CONDITION_URLS_READY = "VirtualWorkspaceURLsReady"
REASON_GENERATION_FAILED = "IdentityGenerationFailed"
REASON_VERIFICATION_FAILED = "IdentityVerificationFailed"

IDENTITY_NAMESPACE = "kcp-system"
IDENTITY_SECRET_KEY = "key"  # noqa: S105
EXTRA_ANNOTATION_PREFIX = "extra.apis.kcp.io/"
"""Annotations that start so are copied from the export onto every binding of it."""
SKIP_ENDPOINT_SLICE_ANNOTATION = "apiexports.apis.kcp.io/skip-endpointslice"
SUBJECT_PREFIX = "apis.kcp.io:binding:"
"""Users and groups of consumers carry this prefix when the maximal permission policy is asked."""


def claim_v2(*extra_required: str, **extra: Object) -> Object:
    """A permission claim of v1alpha2: a resource, verbs, and what the caller adds."""
    verb = string(min_length=1)
    props: dict[str, Object] = {
        "group": string("API group; empty for the core group.", default=""),
        "resource": string("Resource, in lower case plural.", min_length=1),
        "verbs": array(verb, "Verbs that the provider may use; * for all.", list_type="set", min_items=1),
        "identityHash": string("Identity of the resource, unless it is built in."),
        **extra,
    }
    required = ["resource", "verbs", *extra_required]
    return properties("A claim on a resource of the consumer.", props, required=required)


def claim_selector() -> Object:
    selector = label_selector("Which objects the claim covers.")
    selector["properties"] = {
        "matchAll": {"type": "boolean", "description": "All objects of the resource."},
        **selector["properties"],
    }
    return selector


API_EXPORT = Kind(
    group=GROUP,
    version="v1alpha2",
    kind="APIExport",
    plural="apiexports",
    singular="apiexport",
    schema=resource(
        "An offer of resources to other logical clusters.",
        spec=obj(
            "What is offered.",
            default={},
            resources=array(
                obj(
                    "A resource.",
                    required=["group", "name", "schema"],
                    name=string("Resource, in lower case plural.", min_length=1),
                    group=string("API group; empty for the core group."),
                    schema=string("Name of the APIResourceSchema in this logical cluster.", min_length=1),
                    storage=obj(
                        "How objects are stored.",
                        default={"crd": {}},
                        crd=obj("In the consumer's logical cluster, like objects of a CRD."),
                    ),
                ),
                "The offered resources.",
                map_keys=["name", "group"],
            ),
            permissionClaims=array(
                claim_v2(defaultSelector=claim_selector()),
                "Resources of consumers that the provider wants to reach.",
                map_keys=["group", "resource"],
            ),
            identity=export_identity(),
            maximalPermissionPolicy=maximal_permission_policy(),
        ),
        status=export_status(),
    ),
    columns=API_EXPORT_V1ALPHA1.columns,
)
