"""Which resources are synced, and how the SyncTarget's status says so (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import STATE_ACCEPTED, STATE_INCOMPATIBLE, STATE_PENDING
from headwater.client.discovery import Discovery
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.schemas.verdict import Verdict
from headwater.syncer.target.rights import Rights

ALWAYS_SYNCED: Final = (
    GroupVersionResource("", "v1", "namespaces"),
    GroupVersionResource("", "v1", "configmaps"),
    GroupVersionResource("", "v1", "secrets"),
    GroupVersionResource("", "v1", "serviceaccounts"),
)
NEVER_SYNCED: Final = frozenset({GroupResource("", "pods"), GroupResource("", "endpoints")})
"""Made on the pcluster by its own controllers; they are reported up, not brought down."""
LACKS_RIGHTS: Final = "the syncer lacks "
"""How the message of an entry begins that is incompatible for want of rights, and of nothing else."""
_SERVED_VERBS: Final = ("get", "list", "watch", "create", "patch", "delete")
_LONGEST_MESSAGE: Final = 1024

Verdicts = Mapping[GroupVersionResource, Verdict]
"""What came of comparing schemas; a resource that was not compared is missing."""


def judged_resources(
    entries: Sequence[Object], downstream: Discovery, rights: Rights, verdicts: Verdicts
) -> list[Object]:
    """The entries of `status.syncedResources` with state and message as the pcluster makes them.

    Accepted is what can be synced: served in a common version, with all verbs, by a compatible schema, and to us. Not
    knowing is no answer: a group whose discovery failed, and a resource whose rights were not asked for, keep the
    state that they had.
    """
    failed = {group_version.group for group_version in downstream.failed}
    return [_judged(entry, downstream, rights, verdicts, failed) for entry in entries]


def _judged(
    entry: Object, downstream: Discovery, rights: Rights, verdicts: Verdicts, failed: Collection[str]
) -> Object:
    gvr = candidate(entry, downstream, verdicts)
    if gvr is None:
        refused = candidate(entry, downstream, {})
        if refused is not None:
            return _with_state(entry, STATE_INCOMPATIBLE, verdicts[refused].refusal)
        if entry.get("group", "") in failed:
            return _undecided(entry, "discovery of its API group fails on the pcluster")
        return _with_state(entry, STATE_INCOMPATIBLE, _why_not_served(entry, downstream))
    if gvr.group_resource in NEVER_SYNCED:
        return _with_state(entry, STATE_ACCEPTED, "")
    if gvr not in rights:
        return _undecided(entry, "")
    if rights[gvr]:
        return _with_state(entry, STATE_INCOMPATIBLE, f"{LACKS_RIGHTS}{', '.join(rights[gvr])} on it")
    return _with_state(entry, STATE_ACCEPTED, verdicts[gvr].note if gvr in verdicts else "")


def _undecided(entry: Object, why: str) -> Object:
    """The entry as it was. One that was judged keeps what was said of it, one that never was says why not."""
    state = entry.get("state") or STATE_PENDING
    return _with_state(entry, state, why if state == STATE_PENDING else entry.get("message", ""))


def _with_state(entry: Object, state: str, message: str) -> Object:
    rest = {field: value for field, value in entry.items() if field != "message"}
    return {**rest, "state": state, **({"message": message[:_LONGEST_MESSAGE]} if message else {})}


def _why_not_served(entry: Object, downstream: Discovery) -> str:
    group, resource, offered = entry.get("group", ""), entry["resource"], entry["versions"]
    served = downstream.versions(group, resource)
    common = [version for version in served if version in offered]
    if not served:
        return "not served by the pcluster"
    if not common:
        return f"served at {', '.join(served)} only, needs {' or '.join(offered)}"
    best = downstream.get(GroupVersionResource(group, common[0], resource))
    missing = [verb for verb in _SERVED_VERBS if best is not None and not best.supports(verb)]
    return f"the pcluster serves it without {', '.join(missing)}"


def to_compare(entries: Sequence[Object], downstream: Discovery) -> dict[GroupVersionResource, str]:
    """The kind of each resource at each version that both sides serve: what has schemas to compare."""
    found = {}
    for entry in entries:
        for version in entry["versions"]:
            gvr = GroupVersionResource(entry.get("group", ""), version, entry["resource"])
            served = downstream.get(gvr)
            if served is not None and gvr.group_resource not in NEVER_SYNCED:
                found[gvr] = served.kind
    return found


def candidates(entries: Sequence[Object], downstream: Discovery, verdicts: Verdicts) -> list[GroupVersionResource]:
    """What would be synced with all rights."""
    found = (candidate(entry, downstream, verdicts) for entry in entries)
    return [*ALWAYS_SYNCED, *(gvr for gvr in found if gvr is not None and gvr.group_resource not in NEVER_SYNCED)]


def wanted_resources(
    judged: Sequence[Object],
    downstream: Discovery,
    rights: Rights,
    verdicts: Verdicts,
    before: Mapping[GroupResource, GroupVersionResource],
) -> dict[GroupResource, GroupVersionResource]:
    """What to sync: the resources that every target syncs, as far as we have the rights, and the accepted ones.

    ``before`` is what is synced now. Accepted resources whose discovery failed stay as they are in it.
    """
    wanted = {gvr.group_resource: gvr for gvr in ALWAYS_SYNCED if not rights.get(gvr)}
    for entry in judged:
        resource = GroupResource(entry.get("group", ""), entry["resource"])
        gvr = candidate(entry, downstream, verdicts) or before.get(resource)
        if gvr is None or resource in NEVER_SYNCED or entry.get("state") != STATE_ACCEPTED:
            continue
        if not rights.get(gvr):
            wanted[resource] = gvr
    return wanted


def candidate(entry: Object, downstream: Discovery, verdicts: Verdicts) -> GroupVersionResource | None:
    """The best version of a resource that both sides know; one to be synced needs all verbs, and a fitting schema."""
    group, resource = entry.get("group", ""), entry["resource"]
    for version in downstream.versions(group, resource):
        gvr = GroupVersionResource(group, version, resource)
        served = downstream.get(gvr)
        if version not in entry["versions"] or served is None:
            continue
        if gvr in verdicts and verdicts[gvr].refusal:
            continue
        if gvr.group_resource in NEVER_SYNCED or served.supports(*_SERVED_VERBS):
            return gvr
    return None


def shard_urls(sync_target: Object) -> list[str]:
    """The syncer virtual workspaces of a SyncTarget, one for each shard."""
    entries: Sequence[Mapping[str, str]] = (sync_target.get("status") or {}).get("virtualWorkspaces") or ()
    return [entry["syncerURL"] for entry in entries if entry.get("syncerURL")]
