"""Which targets of an object are not heard of."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.apis.sync.v1alpha1.synctarget import CONDITION_HEARTBEAT_HEALTHY
from headwater.apis.workload.intent import target_keys
from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object, labels, name, nested
from headwater.reconcilers.fleet import BY_KEY, Fleet


@dataclass(frozen=True, slots=True)
class Lost:
    """A SyncTarget that isn't heard of: its name, and the time of its last sign of life."""

    name: str
    since: str


def lost_from(sync_target: Object) -> Lost | None:
    """The loss of a SyncTarget, None while its heartbeat is healthy or was never judged.

    Other reasons for not being ready don't count: what such a syncer reports is still what it sees.
    """
    heartbeat = get_condition(sync_target, CONDITION_HEARTBEAT_HEALTHY)
    if heartbeat is None or heartbeat["status"] == "True":
        return None
    last = nested(sync_target, "status", "lastSyncerHeartbeatTime", default="")
    return Lost(name(sync_target), last or heartbeat.get("lastTransitionTime", ""))


def lost_targets(fleet: Fleet, obj: Object) -> dict[str, Lost]:
    """The targets of an object that aren't heard of, by key."""
    found = {}
    for key in target_keys(labels(obj)):
        for sync_target in fleet.sync_targets.by_index(BY_KEY, key):
            lost = lost_from(sync_target)
            if lost is not None:
                found[key] = lost
    return found
