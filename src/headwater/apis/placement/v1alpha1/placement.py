"""Placement: a rule of a workspace that says where its workloads run."""

from __future__ import annotations

from typing import Final

from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import (
    PATH_PATTERN,
    array,
    conditions,
    integer,
    label_selector,
    map_of,
    obj,
    resource,
    string,
    with_rule,
)
from headwater.apis.placement.v1alpha1.location import GROUP, VERSION
from headwater.machinery.gvk import GroupVersionResource

PLACEMENTS: Final = GroupVersionResource(GROUP, VERSION, "placements")

PHASE_PENDING: Final = "Pending"
"""No location can be chosen."""
PHASE_UNBOUND: Final = "Unbound"
"""Targets are chosen, but no namespace of the workspace uses them."""
PHASE_BOUND: Final = "Bound"
"""Targets are chosen and at least one namespace uses them."""

CONDITION_READY: Final = "Ready"
CONDITION_SCHEDULED: Final = "Scheduled"
CONDITION_APIS_BOUND: Final = "APIsBound"
"""False while the workspace has no API of which anything could be placed; absent otherwise."""
REASON_NO_COMPUTE_APIS: Final = "NoComputeAPIs"
"""APIsBound is False: no APIBinding of the workspace is one of a compute export."""
REASON_LOCATION_NOT_FOUND: Final = "LocationNotFound"
"""Ready is False: the location workspace does not exist."""
REASON_LOCATION_NO_MATCH: Final = "LocationNoMatch"
"""Ready is False: the workspace has no location that the selector matches."""
REASON_INVALID_SELECTOR: Final = "InvalidSelector"
"""Ready is False: one of the selectors can't be read."""
REASON_SCHEDULE_LOCATION_NOT_FOUND: Final = "ScheduleLocationNotFound"
"""Scheduled is False: there is no location to schedule to."""
REASON_NO_VALID_TARGET: Final = "NoValidTarget"
"""Scheduled is False: locations match, but no SyncTarget in them can be used; the message says why for each."""
REASON_TOO_FEW_TARGETS: Final = "TooFewTargets"
"""Scheduled is False: fewer SyncTargets can be used than `targets.min` asks for. Those that can be are used."""

DEFAULT_EVICTION_GRACE_SECONDS: Final = 300
MAX_TARGETS: Final = 64
MAX_DECISIONS: Final = 64
"""Entries of `status.decisions`."""

MODE_DUPLICATED: Final = "Duplicated"
MODE_DIVIDED: Final = "Divided"
DIVIDE_BY_WEIGHTS: Final = "Weights"
DIVIDE_BY_FREE_CAPACITY: Final = "FreeCapacity"
STRATEGY_MAKE_BEFORE_BREAK: Final = "MakeBeforeBreak"
STRATEGY_IMMEDIATE: Final = "Immediate"

_LOCATION_SELECTOR = label_selector("Locations to choose from; empty means all.", default={})
_LOCATION_SELECTOR["properties"]["names"] = array(
    string(min_length=1, max_length=253), "Names of locations; empty means any.", list_type="set", max_items=256
)

_SYNC_TARGET_SELECTOR = label_selector("SyncTargets of those locations to choose from; empty means all.", default={})
_SYNC_TARGET_SELECTOR["properties"]["names"] = array(
    string(min_length=1, max_length=253), "Names of SyncTargets; empty means any.", list_type="set", max_items=256
)

_PREFERRED_SELECTOR = label_selector("SyncTargets that are preferred.")
_PREFERRED_SELECTOR["properties"]["names"] = _SYNC_TARGET_SELECTOR["properties"]["names"]

_PREFERENCE = obj(
    "SyncTargets that are better than others where there is a choice.",
    required=["weight", "syncTargetSelector"],
    weight=integer("How much better; the weights of all that match are added up.", minimum=1, maximum=100),
    syncTargetSelector=_PREFERRED_SELECTOR,
)

_TARGETS = with_rule(
    obj(
        "How many SyncTargets to use.",
        default={},
        min=integer("Fewer than this is reported as not scheduled.", minimum=1, maximum=MAX_TARGETS, default=1),
        max=integer("Never use more than this.", minimum=1, maximum=MAX_TARGETS, default=1),
    ),
    "self.min <= self.max",
    "min must not be greater than max, which is 1 unless it is given",
)

_SPREAD = with_rule(
    obj(
        "Keep the chosen SyncTargets even over the values of a feature.",
        required=["by"],
        by=string("Feature: cell, location or label.", enum=["cell", "location", "label"]),
        label=string("Label key of SyncTargets, when `by` is label.", max_length=316),
        maxSkew=integer("Greatest difference between the fullest and the emptiest value.", minimum=1, default=1),
    ),
    "self.by != 'label' || (has(self.label) && self.label != '')",
    "label is required when by is label",
    field_path=".label",
)

_TOLERATION = obj(
    "Lets workloads stay with a taint.",
    key=string("Taint key; empty matches all.", max_length=316),
    operator=string("Equal compares the value; Exists ignores it.", enum=["Equal", "Exists"], default="Equal"),
    value=string("Taint value.", max_length=63),
    effect=string("Taint effect; empty matches all.", enum=["", "NoSchedule", "NoExecute"]),
    tolerationSeconds=integer(
        "How long workloads stay once a NoExecute taint is there; absent means for ever.", minimum=0, format="int64"
    ),
)

_SPEC = obj(
    "What to place, and where.",
    default={},
    workloadSelector=label_selector("Workloads to place; absent means all in the selected namespaces."),
    namespaceSelector=label_selector("Namespaces whose workloads are placed; absent means all.", default={}),
    locationSelector=_LOCATION_SELECTOR,
    locationWorkspace=string("Workspace of the locations; empty for the Placement's own.", pattern=PATH_PATTERN),
    syncTargetSelector=_SYNC_TARGET_SELECTOR,
    preferences=array(_PREFERENCE, "SyncTargets to prefer.", list_type="atomic", max_items=16),
    targets=_TARGETS,
    spread=array(_SPREAD, "Spread constraints; all must hold.", list_type="atomic", max_items=4),
    replicas=obj(
        "How several targets share the replicas of a workload.",
        default={},
        mode=string(
            "Duplicated runs all replicas on every target; Divided shares them out.",
            enum=[MODE_DUPLICATED, MODE_DIVIDED],
            default=MODE_DUPLICATED,
        ),
        divideBy=string(
            "Weights shares out by `weights`; FreeCapacity by how many more replicas each target has room for.",
            enum=[DIVIDE_BY_WEIGHTS, DIVIDE_BY_FREE_CAPACITY],
            default=DIVIDE_BY_WEIGHTS,
        ),
        weights=map_of(
            integer(minimum=0, maximum=1000), "SyncTarget name to its share, when divided.", max_properties=MAX_TARGETS
        ),
    ),
    tolerations=array(_TOLERATION, "Taints that the workloads tolerate.", list_type="atomic", max_items=32),
    eviction=obj(
        "How workloads leave a target.",
        default={},
        graceSeconds=integer(
            "How long a target may be not ready before its workloads are placed elsewhere.",
            minimum=0,
            maximum=31536000,
            default=DEFAULT_EVICTION_GRACE_SECONDS,
        ),
        strategy=string(
            "MakeBeforeBreak removes a workload only when it is ready elsewhere; Immediate at once.",
            enum=[STRATEGY_MAKE_BEFORE_BREAK, STRATEGY_IMMEDIATE],
            default=STRATEGY_MAKE_BEFORE_BREAK,
        ),
    ),
)

_STATUS = obj(
    "Where the workloads run.",
    default={},
    phase=string(enum=[PHASE_PENDING, PHASE_UNBOUND, PHASE_BOUND], default=PHASE_PENDING),
    selectedLocations=array(
        obj(
            "A location through which a target was chosen.",
            required=["path", "locationName"],
            path=string("Logical cluster of the location."),
            locationName=string("Name of the location."),
        ),
        "Locations in use.",
        list_type="atomic",
    ),
    decisions=array(
        obj(
            "A chosen SyncTarget.",
            required=["syncTarget", "key"],
            syncTarget=string("Name of the SyncTarget."),
            key=string("Sync target key, as in labels."),
            location=string("Name of the location through which it was chosen."),
        ),
        f"Chosen SyncTargets, the first {MAX_DECISIONS} of them.",
        list_type="atomic",
        max_items=MAX_DECISIONS,
    ),
    conditions=conditions(),
    observedGeneration=integer("Generation that the status describes.", format="int64"),
)

PLACEMENT: Final = Kind(
    group=GROUP,
    version=VERSION,
    kind="Placement",
    plural="placements",
    singular="placement",
    schema=resource("Placement says where the workloads of a workspace run.", spec=_SPEC, status=_STATUS),
    columns=(
        column("Phase", ".status.phase"),
        column("Scheduled", '.status.conditions[?(@.type=="Scheduled")].status'),
        column("Targets", ".status.decisions[*].syncTarget"),
        column("Location-Workspace", ".spec.locationWorkspace", priority=1),
        column("Reason", '.status.conditions[?(@.type=="Scheduled")].message', priority=1),
        AGE_COLUMN,
    ),
)
