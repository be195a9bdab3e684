"""Location: a named group of the SyncTargets of its own workspace."""

from __future__ import annotations

from typing import Final

from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import (
    LABEL_KEY_PATTERN,
    LABEL_VALUE_PATTERN,
    array,
    conditions,
    integer,
    label_selector,
    obj,
    properties,
    resource,
    string,
)
from headwater.machinery.gvk import GroupVersionResource

GROUP: Final = "placement.kcp.io"
VERSION: Final = "v1alpha1"
EXPORT_NAME: Final = GROUP
LOCATIONS: Final = GroupVersionResource(GROUP, VERSION, "locations")
DEFAULT_LOCATION: Final = "default"
"""Made in every workspace that has a SyncTarget; holds them all."""

CONDITION_LOCATION_READY: Final = "LocationReady"
REASON_NO_INSTANCES: Final = "NoInstances"
"""LocationReady is False: the selector matches no SyncTarget."""
REASON_NO_AVAILABLE_INSTANCES: Final = "NoAvailableInstances"
"""LocationReady is False: none of the selected SyncTargets is ready and schedulable."""
REASON_INVALID_SELECTOR: Final = "InvalidSelector"
"""LocationReady is False: the instance selector can't be read."""

_SELECTOR_LABEL = properties(
    "A label that workloads may select on.",
    {
        "key": string("Label key.", pattern=LABEL_KEY_PATTERN, max_length=255),
        "values": array(
            string(pattern=LABEL_VALUE_PATTERN, max_length=63), "Known values.", list_type="set", min_items=1
        ),
        "description": string("What the label means.", max_length=1024),
    },
    required=["key", "values"],
)

_SPEC = properties(
    "Which SyncTargets belong to the location.",
    {
        "description": string("What the location is, for people.", max_length=1024),
        "instanceSelector": label_selector(
            "SyncTargets of this workspace that belong here; empty means all.", default={}
        ),
        "availableSelectorLabels": array(
            _SELECTOR_LABEL,
            "Labels that Placements can use to select the location. For people; scheduling does not read it.",
            map_keys=["key"],
            max_items=64,
        ),
    },
    default={},
)

_STATUS = obj(
    "How the location fares.",
    default={},
    instances=integer("SyncTargets that belong here.", minimum=0),
    availableInstances=integer("Of those, the ones that are ready and schedulable.", minimum=0),
    conditions=conditions(),
)

LOCATION: Final = Kind(
    group=GROUP,
    version=VERSION,
    kind="Location",
    plural="locations",
    singular="location",
    schema=resource("Location is a named group of SyncTargets.", spec=_SPEC, status=_STATUS),
    columns=(
        column("Available", ".status.availableInstances", "integer"),
        column("Instances", ".status.instances", "integer"),
        column("Ready", '.status.conditions[?(@.type=="LocationReady")].status'),
        column("Labels", ".metadata.annotations['scheduling\\.kcp\\.io/labels']", priority=1),
        AGE_COLUMN,
    ),
)
