"""Which resources are synced, and how the SyncTarget's status says so (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import STATE_ACCEPTED, STATE_INCOMPATIBLE
from headwater.client.discovery import Discovery
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object

ALWAYS_SYNCED: Final = (
    GroupVersionResource("", "v1", "namespaces"),
    GroupVersionResource("", "v1", "configmaps"),
    GroupVersionResource("", "v1", "secrets"),
)
NEVER_SYNCED: Final = frozenset({GroupResource("", "pods"), GroupResource("", "endpoints")})
"""Made on the pcluster by its own controllers; they are reported up, not brought down."""
_WRITTEN_VERBS: Final = ("get", "list", "watch", "patch", "delete")


def offered_version(entry: Object, downstream: Discovery) -> str:
    """The version to sync a resource at: the best that both sides serve, "" for none."""
    versions = downstream.versions(entry.get("group", ""), entry["resource"])
    return next((version for version in versions if version in entry["versions"]), "")


def judged_resources(entries: Sequence[Object], downstream: Discovery) -> list[Object]:
    """The entries of `status.syncedResources` with their states as the pcluster makes them.

    A group version whose discovery failed keeps the state that it had: not knowing is no answer.
    """
    unknown = {group_version.group for group_version in downstream.failed}
    judged = []
    for entry in entries:
        version = offered_version(entry, downstream)
        if version:
            state = STATE_ACCEPTED
        elif entry.get("group", "") in unknown:
            state = entry.get("state", STATE_INCOMPATIBLE)
        else:
            state = STATE_INCOMPATIBLE
        judged.append({**entry, "state": state})
    return judged


def wanted_resources(
    entries: Sequence[Object], downstream: Discovery, denied: Collection[GroupVersionResource]
) -> dict[GroupResource, GroupVersionResource]:
    """What to sync: the resources that every target syncs and the accepted ones, as far as we have the rights."""
    wanted: dict[GroupResource, GroupVersionResource] = {}
    for gvr in candidates(entries, downstream):
        if gvr not in denied:
            wanted[gvr.group_resource] = gvr
    return wanted


def candidates(entries: Sequence[Object], downstream: Discovery) -> list[GroupVersionResource]:
    """What would be synced with all rights."""
    found = list(ALWAYS_SYNCED)
    for entry in entries:
        version = offered_version(entry, downstream)
        gvr = GroupVersionResource(entry.get("group", ""), version, entry["resource"])
        if not version or gvr.group_resource in NEVER_SYNCED or entry.get("state") != STATE_ACCEPTED:
            continue
        served = downstream.get(gvr)
        if served is not None and served.supports(*_WRITTEN_VERBS):
            found.append(gvr)
    return found


def shard_urls(sync_target: Object) -> list[str]:
    """The syncer virtual workspaces of a SyncTarget, one for each shard."""
    entries: Sequence[Mapping[str, str]] = (sync_target.get("status") or {}).get("virtualWorkspaces") or ()
    return [entry["syncerURL"] for entry in entries if entry.get("syncerURL")]
