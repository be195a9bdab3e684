"""APIExportEndpointSlice: where a provider reaches the objects of its consumers."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import any_object, array, boolean, conditions, immutable, obj, resource, string

CONDITION_EXPORT_VALID = "APIExportValid"
CONDITION_URLS_READY = "EndpointURLsReady"
REASON_INVALID_REFERENCE = "APIExportInvalidReference"
REASON_NOT_FOUND = "APIExportNotFound"
REASON_INTERNAL_ERROR = "InternalError"

API_EXPORT_ENDPOINT_SLICE = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="APIExportEndpointSlice",
    plural="apiexportendpointslices",
    singular="apiexportendpointslice",
    schema=resource(
        "The endpoints of an APIExport.",
        spec=immutable(
            obj(
                "Which endpoints.",
                required=["export"],
                export=obj(
                    "The export.",
                    required=["name"],
                    path=string("Logical cluster path of the export; empty means this one."),
                    name=string("Name of the export.", min_length=1),
                ),
                partition=string("Name of a Partition that limits the shards."),
            ),
            "spec is immutable",
        ),
        status=obj(
            "The endpoints.",
            conditions=conditions(),
            shardSelector=string("Selector of the partition, in its string form."),
            endpoints=array(
                obj(
                    "One endpoint.",
                    required=["url"],
                    url=string("URL of the virtual workspace.", min_length=1),
                    shards=obj("The shards behind it.", matchAll=boolean("Every shard."), selector=any_object()),
                ),
                "One endpoint for each shard that holds a binding to the export.",
                map_keys=["url"],
            ),
        ),
    ),
    columns=(
        column("Export", ".spec.export.name", description="The export"),
        column("Path", ".spec.export.path", description="Logical cluster path of the export"),
        AGE_COLUMN,
    ),
)
