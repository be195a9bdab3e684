"""Shard: one server process and its store, which holds logical clusters."""

from __future__ import annotations

from headwater.apis.core.v1alpha1.logicalcluster import GROUP
from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import conditions, obj, resource, resource_list, string

UNSCHEDULABLE_ANNOTATION = "experimental.core.kcp.io/unschedulable"
ROOT_SHARD_NAME = "root"

SHARD = Kind(
    group=GROUP,
    version="v1alpha1",
    kind="Shard",
    plural="shards",
    singular="shard",
    schema=resource(
        "A server that holds logical clusters.",
        spec=obj(
            "How to reach the shard.",
            required=["baseURL"],
            baseURL=string("URL of the shard itself.", min_length=1),
            externalURL=string("URL that users reach it by; the base URL by default."),
            virtualWorkspaceURL=string("URL of its virtual workspaces; the base URL by default."),
        ),
        status=obj("What the system knows of the shard.", capacity=resource_list(), conditions=conditions()),
    ),
    columns=(
        column("Region", ".metadata.labels['region']", description="Region that the shard is in"),
        column("URL", ".spec.baseURL", description="URL of the shard"),
        column("External URL", ".spec.externalURL", description="URL that users reach the shard by"),
        AGE_COLUMN,
    ),
)
