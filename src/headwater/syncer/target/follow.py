"""Follows the SyncTarget: decides what is synced from its status, the pcluster's discovery and our rights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.apis.sync.v1alpha1.synctarget import (
    ALLOW_DELETIONS_ANNOTATION,
    CONDITION_API_IMPORTER_READY,
    CONDITION_DELETIONS_ALLOWED,
    CONDITION_SYNCER_AUTHORIZED,
    CONDITION_SYNCER_READY,
    REASON_DELETIONS_HELD,
    REASON_SYNCER_UNAUTHORIZED,
    SYNC_TARGETS,
)
from headwater.base.clock import Clock
from headwater.client.discovery import Discovery, discover
from headwater.client.dynamic import Client
from headwater.client.informer import Informer
from headwater.controller import Controller, Result
from headwater.controller.commit import merge_patch_of
from headwater.controller.triggers import spec_or_metadata_changed
from headwater.machinery.conditions import ERROR, get_condition, mark_false, mark_true
from headwater.machinery.errors import Conflict
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, deep_copy, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.credentials.keeper import CredentialKeeper
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.schemas import ApiImporter, Verdict
from headwater.syncer.spec.guard import AbsenceGuard
from headwater.syncer.target.choose import candidates, judged_resources, shard_urls, to_compare, wanted_resources
from headwater.syncer.target.rights import Rights, lacking_verbs
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

_HOW_TO_GRANT: Final = (
    "apply to the pcluster what `headwater sync-target manifest {name} --role` prints in the SyncTarget's workspace"
)
_CHANGED_STATUS_FIELDS: Final = ("syncedResources", "virtualWorkspaces")

Sync = Callable[[Sequence[str], Mapping[GroupResource, GroupVersionResource]], None]
"""Called with the virtual workspace URLs and the resources to sync; idempotent."""

Follow = Callable[[Object, Discovery], Awaitable[None]]
"""Called with the SyncTarget and what the pcluster serves, for those who choose by themselves what they need of it."""

log = get_logger("syncer.target")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was learnt of the pcluster: what it serves, what the syncer lacks there, and what its schemas take."""

    served: Discovery
    rights: Rights
    verdicts: Mapping[GroupVersionResource, Verdict]


class TargetFollower:
    """A controller with the SyncTarget as its only key.

    It also looks again every ``poll_seconds``, for rights, discovery and schemas.
    """

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        workspace: Client,
        downstream: Client,
        importer: ApiImporter,
        poll_seconds: float,
        sync: Sync,
        follow: Follow,
        guard: AbsenceGuard,
        clock: Clock,
        registry: Registry,
        credentials: CredentialKeeper | None = None,
    ) -> None:
        self._identity = identity
        self._resource = workspace.resource(SYNC_TARGETS)
        self._downstream = downstream
        self._importer = importer
        self._poll_seconds = poll_seconds
        self._sync = sync
        self._follow = follow
        self._guard = guard
        self._credentials = credentials
        self._clock = clock
        self._wanted: Mapping[GroupResource, GroupVersionResource] = {}
        self.informer = Informer(
            self._resource,
            name="synctarget",
            clustered=False,
            field_selector=f"metadata.name={identity.name}",
            clock=clock,
        )
        self.controller = Controller(
            "syncer-target", reconcile=self.reconcile, workers=1, clock=clock, registry=registry
        )
        self.informer.add_handler(self._changed)
        guard.changed = lambda: self.controller.enqueue(identity.name)
        if credentials is not None:
            credentials.changed = lambda: self.controller.enqueue(identity.name)

    @property
    def status(self) -> Mapping[str, Any]:
        """The SyncTarget's status as it was last seen; empty when it is gone or was replaced."""
        target = self.informer.get(self._identity.name)
        found: Object = (target.get("status") or {}) if target is not None and uid(target) == self._identity.uid else {}
        return found

    def _changed(self, _: str, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or spec_or_metadata_changed(old, new) or _status_matters(old, new):
            self.controller.enqueue(self._identity.name)

    async def reconcile(self, name: str) -> Result | None:
        """One look at the SyncTarget. Raises StatusError and TransportError."""
        target = self.informer.get(name)
        if target is None or uid(target) != self._identity.uid:
            self._leave(name)
            return None
        self._guard.set_released(released=annotations_of(target).get(ALLOW_DELETIONS_ANNOTATION) == "true")
        served = await discover(self._downstream)
        url = next(iter(shard_urls(target)), "")
        verdicts = await self._importer.verdicts(to_compare(_entries(target), served), url)
        rights = await lacking_verbs(self._downstream, candidates(_entries(target), served, verdicts))
        found = Findings(served, rights, verdicts)
        # The questions to the pcluster take a while, in which heartbeats have made newer versions.
        target = self.informer.get(name)
        if target is None or uid(target) != self._identity.uid:
            self._leave(name)
            return None
        try:
            judged = await self._report(target, found)
        except Conflict:
            # The informer can be behind the heartbeats, too.
            target = await self._resource.get(name)
            if uid(target) != self._identity.uid:
                self._leave(name)
                return None
            judged = await self._report(target, found)
        self._wanted = wanted_resources(judged, served, rights, verdicts, self._wanted)
        self._sync(shard_urls(target), self._wanted)
        await self._follow(target, served)
        return Result(requeue_after_seconds=self._poll_seconds)

    def _leave(self, name: str) -> None:
        """Stop syncing. Nothing is deleted downstream: whoever removed the SyncTarget decides about its workloads."""
        log.warning("SyncTarget is gone or was replaced, not syncing", name=name, uid=self._identity.uid)
        self._wanted = {}
        self._sync((), {})

    async def _report(self, target: Object, found: Findings) -> Sequence[Object]:
        """Write the states of resources and our conditions, if they changed. Answers the resources."""
        changed = deep_copy(target)
        judged = judged_resources(_entries(target), found.served, found.rights, found.verdicts)
        if judged:
            changed["status"]["syncedResources"] = judged
        missing = [gvr for gvr, verbs in found.rights.items() if verbs]
        now = self._clock.now()
        if missing:
            names = ";".join(sorted(str(gvr) for gvr in missing))
            message = f"SSAR check failed for gvrs: {names}; {_HOW_TO_GRANT.format(name=self._identity.name)}"
            mark_false(changed, CONDITION_SYNCER_AUTHORIZED, REASON_SYNCER_UNAUTHORIZED, ERROR, message, now)
        else:
            mark_true(changed, CONDITION_SYNCER_AUTHORIZED, now)
        mark_true(changed, CONDITION_API_IMPORTER_READY, now)
        mark_true(changed, CONDITION_SYNCER_READY, now)
        if self._guard.held:
            held = f"{self._guard.held}; annotate the SyncTarget with {ALLOW_DELETIONS_ANNOTATION}=true to go on"
            mark_false(changed, CONDITION_DELETIONS_ALLOWED, REASON_DELETIONS_HELD, ERROR, held, now)
        elif get_condition(changed, CONDITION_DELETIONS_ALLOWED):
            mark_true(changed, CONDITION_DELETIONS_ALLOWED, now)
        if self._credentials is not None:
            self._credentials.report(changed, now)
        patch = merge_patch_of(target, changed)
        if patch is not None:
            await self._resource.patch_status(self._identity.name, patch[0])
        return judged


def _entries(target: Object) -> Sequence[Object]:
    """The resources of a SyncTarget."""
    return (target.get("status") or {}).get("syncedResources") or ()


def _status_matters(old: Object, new: Object) -> bool:
    """False for heartbeats and for conditions, most of which are our own or follow from them."""
    before, after = old.get("status") or {}, new.get("status") or {}
    return any(before.get(field) != after.get(field) for field in _CHANGED_STATUS_FIELDS)
