"""SyncTarget: the API object of one pcluster, in the workspace of the team that owns it."""

from __future__ import annotations

from typing import Final

from headwater.apis.kind import AGE_COLUMN, Kind, column
from headwater.apis.markers import (
    PATH_PATTERN,
    array,
    boolean,
    conditions,
    date_time,
    integer,
    obj,
    resource,
    resource_list,
    string,
    with_rule,
)
from headwater.machinery.gvk import GroupVersionResource

GROUP: Final = "sync.kcp.io"
VERSION: Final = "v1alpha1"
EXPORT_NAME: Final = GROUP
SYNC_TARGETS: Final = GroupVersionResource(GROUP, VERSION, "synctargets")
SYNC_VERB: Final = "sync"
"""RBAC verb on a SyncTarget that lets a syncer use its virtual workspace."""

CONDITION_READY: Final = "Ready"
CONDITION_SYNCER_READY: Final = "SyncerReady"
CONDITION_HEARTBEAT_HEALTHY: Final = "HeartbeatHealthy"
CONDITION_SYNCER_AUTHORIZED: Final = "SyncerAuthorized"
CONDITION_API_IMPORTER_READY: Final = "APIImporterReady"
CONDITION_DELETIONS_ALLOWED: Final = "DeletionsAllowed"
"""False while the syncer holds deletions back, since too many came at once or the control plane went back in time."""
CONDITION_PCLUSTER_BOUND: Final = "PClusterBound"
"""False while a syncer of another pcluster than the SyncTarget's asks for work, which it doesn't get."""
CONDITION_EXPORTS_PLACED: Final = "SupportedAPIExportsPlaced"
"""False while `spec.supportedAPIExports` names an export of which nothing is placed anywhere; absent otherwise."""
REASON_NOT_COMPUTE: Final = "NotComputeExport"
"""SupportedAPIExportsPlaced is False: the message names the exports, and what their owner does."""
SUMMARIZED_CONDITIONS: Final = (
    CONDITION_SYNCER_READY,
    CONDITION_API_IMPORTER_READY,
    CONDITION_HEARTBEAT_HEALTHY,
    CONDITION_SYNCER_AUTHORIZED,
)

REASON_ERROR_HEARTBEAT: Final = "ErrorHeartbeat"
"""HeartbeatHealthy is False: no heartbeat yet, or none for longer than the threshold."""

REASON_SYNCER_UNAUTHORIZED: Final = "SyncerUnauthorized"
"""SyncerAuthorized is False: the syncer lacks rights on the pcluster; the message names the resources."""

REASON_PCLUSTER_UNREACHABLE: Final = "PClusterUnreachable"
"""SyncerReady is False: the syncer is alive, and the pcluster's API gives it no answer or refuses it."""

REASON_DELETIONS_HELD: Final = "DeletionsHeld"
"""DeletionsAllowed is False: a person has to look, and to set the annotation below."""

REASON_CONTROL_PLANE_BEHIND: Final = "ControlPlaneBehind"
"""DeletionsAllowed is False: the control plane is older than what copies were made from, as after a restore."""

ALLOW_DELETIONS_ANNOTATION: Final = "sync.kcp.io/allow-deletions"
"""On a SyncTarget: "true" lets the syncer delete what it holds back, once; it is taken off when that was heard."""

CONDITION_SYNCER_OVERPRIVILEGED: Final = "SyncerOverprivileged"
"""True while the syncer has rights on the pcluster that it does not need; absent otherwise, and while not known."""
REASON_UNNEEDED_RIGHTS: Final = "UnneededRights"

REASON_OTHER_PCLUSTER: Final = "OtherPCluster"
"""PClusterBound is False: the message names both pclusters, and how a person binds the SyncTarget to the other one."""

REASON_PCLUSTER_UNKNOWN: Final = "PClusterUnknown"
"""PClusterBound is False: the syncer can't read which pcluster it is on, so it may be on the wrong one."""

BIND_TO_PCLUSTER_ANNOTATION: Final = "sync.kcp.io/bind-to-pcluster"
"""On a SyncTarget: the pcluster ID that it is bound to from now on; it is taken off when that was done."""

SYNCER_CHOICES_ANNOTATION: Final = "sync.kcp.io/syncer-choices"
"""On a SyncTarget: JSON map of what its owner has chosen about its syncer, from which its manifests are written."""

PCLUSTER_ID_PATTERN: Final = r"^[a-zA-Z0-9]([-a-zA-Z0-9]{0,62}[a-zA-Z0-9])?$"

STATE_PENDING: Final = "Pending"
STATE_ACCEPTED: Final = "Accepted"
STATE_INCOMPATIBLE: Final = "Incompatible"

_GROUP_PATTERN = r"^(|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$"

_TAINT = with_rule(
    obj(
        "Keeps workloads off the target, or moves them away.",
        required=["key", "effect"],
        key=string("Name of the taint, a label key.", min_length=1, max_length=316),
        value=string("Value that a toleration has to match.", max_length=63),
        effect=string(
            "NoSchedule keeps new workloads off; NoExecute also moves away those that run there.",
            enum=["NoSchedule", "NoExecute"],
        ),
        timeAdded=date_time("When a NoExecute taint was added. Set by the system.", nullable=True),
    ),
    "self.key.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$')",
    "key must be a label key",
    field_path=".key",
)

_SPEC = with_rule(
    obj(
        "What the owner of the pcluster wants.",
        default={},
        kcpCluster=string("Logical cluster in which the pcluster is registered. Set by the system.", max_length=253),
        supportedAPIs=array(
            obj(
                "One API that the pcluster offers.",
                required=["kind"],
                group=string("API group; empty for the core group.", pattern=_GROUP_PATTERN),
                kind=string("Kind, in CamelCase.", min_length=1, max_length=63),
            ),
            "APIs to sync, of those that the exports offer. Empty means all of them.",
            list_type="atomic",
            max_items=256,
        ),
        cells=array(
            string(min_length=1, max_length=253),
            "Failure or latency domains that the pcluster belongs to.",
            list_type="set",
            max_items=16,
        ),
        supportedAPIExports=array(
            obj(
                "One APIExport whose resources can run on the pcluster.",
                required=["export"],
                path=string("Workspace of the export; empty for the SyncTarget's own.", pattern=PATH_PATTERN),
                export=string("Name of the APIExport.", min_length=1, max_length=253),
            ),
            "APIExports whose resources the pcluster runs.",
            list_type="atomic",
            max_items=32,
        ),
        unschedulable=boolean("Keep new workloads off. Those that run there stay.", default=False),
        evictAfter=date_time("From this instant on workloads are moved away.", nullable=True),
        taints=array(_TAINT, "Taints of the pcluster.", map_keys=["key", "effect"], max_items=32),
    ),
    "!has(oldSelf.kcpCluster) || (has(self.kcpCluster) && self.kcpCluster == oldSelf.kcpCluster)",
    "kcpCluster is immutable",
)

_STATUS = obj(
    "What is known about the pcluster.",
    default={},
    conditions=conditions(),
    lastSyncTime=date_time("When the syncer last brought a change down or up."),
    lastSyncerHeartbeatTime=date_time("When the syncer last reported."),
    observedGeneration=integer("Generation that the status describes.", format="int64"),
    allocatable=resource_list(
        "What placed workloads can use: that of the nodes that take pods, without what other pods there request."
    ),
    capacity=resource_list("What the nodes of the pcluster have."),
    pclusterID=string(
        "UID of the namespace kube-system of the pcluster, which the first syncer reports; others are refused then.",
        pattern=PCLUSTER_ID_PATTERN,
    ),
    requested=resource_list("What the workloads that are placed here request."),
    syncedResources=array(
        obj(
            "One resource that may be synced.",
            required=["resource", "versions"],
            group=string("API group; empty for the core group.", pattern=_GROUP_PATTERN),
            resource=string("Plural name.", pattern=r"^[a-z][-a-z0-9]*[a-z0-9]$"),
            versions=array(string(min_length=1), "Served versions.", list_type="atomic", min_items=1),
            identityHash=string("Identity of the APIExport that the resource comes from."),
            state=string(
                "Whether the pcluster serves it in a compatible way.",
                default=STATE_PENDING,
                enum=[STATE_PENDING, STATE_ACCEPTED, STATE_INCOMPATIBLE],
            ),
            message=string("Why it is not accepted, or what is to be known of it.", max_length=1024),
        ),
        "Resources of the supported APIExports.",
        list_type="atomic",
    ),
    virtualWorkspaces=array(
        obj(
            "Where the syncer finds its work, one entry for each shard.",
            required=["syncerURL", "upsyncerURL"],
            syncerURL=string("Syncer virtual workspace.", min_length=1),
            upsyncerURL=string("Upsyncer virtual workspace.", min_length=1),
        ),
        "Virtual workspaces of the target.",
        list_type="atomic",
    ),
    tunnelWorkspaces=array(
        obj("One tunnel end.", required=["url"], url=string("Where the syncer opens its tunnel.", min_length=1)),
        "Tunnel ends, one for each shard.",
        list_type="atomic",
    ),
)

SYNC_TARGET: Final = Kind(
    group=GROUP,
    version=VERSION,
    kind="SyncTarget",
    plural="synctargets",
    singular="synctarget",
    short_names=("st",),
    schema=resource("SyncTarget is one pcluster that workloads can run on.", spec=_SPEC, status=_STATUS),
    columns=(
        column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        column("Unschedulable", ".spec.unschedulable", "boolean"),
        column("Last-Heartbeat", ".status.lastSyncerHeartbeatTime", "date"),
        column("Cells", ".spec.cells", priority=1),
        column("Key", ".metadata.labels['internal\\.workload\\.kcp\\.io/key']", priority=1),
        column("Synced-Resources", ".status.syncedResources[*].resource", priority=2),
        AGE_COLUMN,
    ),
)
