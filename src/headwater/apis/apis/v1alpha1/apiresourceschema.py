"""APIResourceSchema: an immutable schema of one resource, which APIExports refer to."""

from __future__ import annotations

from headwater.apis.kind import AGE_COLUMN, Kind
from headwater.apis.markers import Object, any_object, array, boolean, immutable, integer, obj, resource, string

GROUP = "apis.kcp.io"

NAME_PREFIX_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SINGLE_SEGMENT_GROUPS = frozenset({"apps", "batch", "extensions", "policy", "autoscaling"})
"""Groups without a dot that a schema may have, besides the core group."""
BOUND_SCHEMAS_CLUSTER = "system:bound-crds"
"""Holds a copy of every schema that is bound anywhere, named by its uid."""
SCHEMA_CLUSTER_ANNOTATION = "apis.kcp.io/schema-cluster"
SCHEMA_NAME_ANNOTATION = "apis.kcp.io/schema-name"
NAME_VALIDATIONS = ("DNS1123Subdomain", "PathSegmentName")


def _names() -> Object:
    return obj(
        "The names of the resource.",
        required=["kind", "plural"],
        plural=string("Plural name, as in URLs.", min_length=1, max_length=63),
        singular=string("Singular name; the kind in lower case by default."),
        kind=string("Kind, in CamelCase.", min_length=1),
        listKind=string("Kind of lists; the kind with List appended by default."),
        shortNames=array(string(), "Short names for use in clients.", list_type="atomic"),
        categories=array(string(), "Groups of resources that it belongs to, such as all.", list_type="atomic"),
    )


def _column() -> Object:
    return obj(
        "A column of tables.",
        required=["jsonPath", "name", "type"],
        description=string("For people."),
        format=string("OpenAPI format of the column."),
        jsonPath=string("JSON path to the value in each object."),
        name=string("Heading."),
        priority=integer("Columns above 0 are shown only in wide tables."),
        type=string("OpenAPI type of the column."),
    )


def _version() -> Object:
    return obj(
        "One version of the resource.",
        required=["name", "schema", "served", "storage"],
        name=string("Name of the version, such as v1 or v1alpha1.", min_length=1, pattern=r"^v[0-9]+([a-z0-9]*)?$"),
        served=boolean("Whether the version is served."),
        storage=boolean("Whether objects are stored in this version. Exactly one version is."),
        deprecated=boolean("Whether clients get a warning when they use the version."),
        deprecationWarning=string("The warning, instead of the usual one."),
        schema=any_object("The structural OpenAPI v3 schema."),
        subresources=obj(
            "Subresources besides the object itself.",
            status=any_object("Presence turns on the status subresource."),
            scale=obj(
                "Presence turns on the scale subresource.",
                required=["specReplicasPath", "statusReplicasPath"],
                labelSelectorPath=string("JSON path to the selector of the pods, in its string form."),
                specReplicasPath=string("JSON path to the replicas asked for."),
                statusReplicasPath=string("JSON path to the replicas that exist."),
            ),
        ),
        additionalPrinterColumns=array(_column(), "Columns of tables."),
        selectableFields=array(
            obj(required=["jsonPath"], jsonPath=string("JSON path to the field.")),
            "Fields that field selectors may use.",
            list_type="atomic",
        ),
    )


def _conversion() -> Object:
    return obj(
        "How to convert between versions.",
        required=["strategy"],
        strategy=string("None changes only the apiVersion; Webhook asks a server.", enum=["None", "Webhook"]),
        webhook=obj(
            "The server that converts.",
            required=["conversionReviewVersions"],
            clientConfig=obj(url=string("https URL."), caBundle=string("CA of the server.", format="byte")),
            conversionReviewVersions=array(string(), "Versions of ConversionReview that the server takes."),
        ),
    )


API_RESOURCE_SCHEMA = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="APIResourceSchema",
    plural="apiresourceschemas",
    singular="apiresourceschema",
    schema=resource(
        "The schema of a resource. It can't be changed, only replaced.",
        spec=immutable(
            obj(
                "The schema.",
                required=["group", "names", "scope", "versions"],
                group=string("API group; empty for the core group."),
                names=_names(),
                scope=string("Whether objects live in namespaces.", enum=["Cluster", "Namespaced"]),
                versions=array(_version(), "The versions of the resource.", map_keys=["name"], min_items=1),
                nameValidation=string(
                    "What names objects may have.", enum=NAME_VALIDATIONS, default=NAME_VALIDATIONS[0]
                ),
                conversion=_conversion(),
            ),
            "spec is immutable",
        ),
    ),
    status_subresource=False,
    columns=(AGE_COLUMN,),
)
