"""Which resources are looked at downstream for objects to bring up (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import STATE_ACCEPTED
from headwater.apis.workload.upsync import may_come_up
from headwater.client.discovery import Discovery
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

FOLLOWED_VERBS: Final = ("get", "list", "watch")
_SECRETS: Final = GroupVersionResource("", "v1", "secrets")


def followed_resources(entries: Sequence[Object], downstream: Discovery) -> list[GroupVersionResource]:
    """The accepted resources that may come up, at the best version that both sides serve, and Secrets.

    ``entries`` are those of `status.syncedResources`.
    """
    found = []
    for entry in entries:
        group, resource = entry.get("group", ""), entry["resource"]
        if entry.get("state") != STATE_ACCEPTED or not may_come_up(group, resource):
            continue
        versions = [version for version in downstream.versions(group, resource) if version in entry["versions"]]
        if versions:
            found.append(GroupVersionResource(group, versions[0], resource))
    return [gvr for gvr in (*found, _SECRETS) if _can_be_followed(gvr, downstream)]


def _can_be_followed(gvr: GroupVersionResource, downstream: Discovery) -> bool:
    served = downstream.get(gvr)
    return served is not None and served.supports(*FOLLOWED_VERBS)


def upsyncer_urls(sync_target: Object) -> list[str]:
    """The upsyncer virtual workspaces of a SyncTarget, one for each shard."""
    entries: Sequence[Mapping[str, str]] = (sync_target.get("status") or {}).get("virtualWorkspaces") or ()
    return [entry["upsyncerURL"] for entry in entries if entry.get("upsyncerURL")]
