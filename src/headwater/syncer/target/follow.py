"""Follows the SyncTarget: decides what is synced from its status, the pcluster's discovery and our rights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from headwater.apis.sync.v1alpha1.synctarget import (
    CONDITION_API_IMPORTER_READY,
    CONDITION_SYNCER_AUTHORIZED,
    CONDITION_SYNCER_READY,
    REASON_PCLUSTER_UNREACHABLE,
    REASON_SYNCER_UNAUTHORIZED,
    SYNC_TARGETS,
)
from headwater.client.answers import UnexpectedAnswer
from headwater.client.discovery import Discovery
from headwater.client.dynamic import Client
from headwater.client.informer import Informer
from headwater.client.interface import TransportError
from headwater.controller import Controller, Result
from headwater.controller.commit import merge_patch_of
from headwater.controller.triggers import spec_or_metadata_changed
from headwater.machinery.conditions import ERROR, mark_false, mark_true
from headwater.machinery.errors import Conflict, StatusError
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, deep_copy, uid
from headwater.syncer.credentials.keeper import CredentialKeeper
from headwater.syncer.schemas import ApiImporter
from headwater.syncer.sides import Sides
from headwater.syncer.spec.brake import DeletionBrake
from headwater.syncer.target.binding import PClusterBinding
from headwater.syncer.target.choose import judged_resources, shard_urls, wanted_resources
from headwater.syncer.target.deletions import SETTLE_SECONDS, HeldDeletions
from headwater.syncer.target.losses import Losses
from headwater.syncer.target.needs import grantable, granting_words, needed_rules, report_unneeded, unneeded
from headwater.syncer.target.survey import Survey, entries_of, survey
from headwater.telemetry.logging import get_logger

UNREACHABLE_SECONDS: Final = 20.0
"""So long a pcluster may give no answer before that is said: a restart of its API server is none of our business."""
_ASK_AGAIN_SECONDS: Final = 2.0
_LONGEST_MESSAGE: Final = 1024
_CHANGED_STATUS_FIELDS: Final = ("syncedResources", "virtualWorkspaces", "pclusterID")

Sync = Callable[[Sequence[str], Mapping[GroupResource, GroupVersionResource]], None]
"""Called with the virtual workspace URLs and the resources to sync; idempotent."""

Follow = Callable[[Object, Discovery], Awaitable[None]]
"""Called with the SyncTarget and what the pcluster serves, for those who choose by themselves what they need of it."""

log = get_logger("syncer.target")


class TargetFollower:
    """A controller with the SyncTarget as its only key.

    It also looks again every ``poll_seconds``, for rights, discovery and schemas.
    """

    def __init__(
        self,
        sides: Sides,
        *,
        workspace: Client,
        importer: ApiImporter,
        poll_seconds: float,
        sync: Sync,
        follow: Follow,
        brake: DeletionBrake,
        tunnel: bool,
        isolate_tenants: bool | None,
        binding: PClusterBinding,
        credentials: CredentialKeeper | None = None,
    ) -> None:
        self._identity = sides.identity
        self._resource = workspace.resource(SYNC_TARGETS)
        self._downstream = sides.downstream.client
        self._importer = importer
        self._poll_seconds = poll_seconds
        self._sync = sync
        self._follow = follow
        self._deletions = HeldDeletions(brake, sides.clock)
        self._tunnel = tunnel
        self._isolate_tenants = isolate_tenants
        self._binding = binding
        self._credentials = credentials
        self._clock = sides.clock
        self._wanted: Mapping[GroupResource, GroupVersionResource] = {}
        self._losses = Losses(sides.clock)
        self._failing_since: float | None = None
        self.informer = Informer(
            self._resource,
            name="synctarget",
            clustered=False,
            field_selector=f"metadata.name={sides.identity.name}",
            clock=sides.clock,
        )
        self.controller = Controller(
            "syncer-target", reconcile=self.reconcile, workers=1, clock=sides.clock, registry=sides.registry
        )
        self.informer.add_handler(self._changed)
        brake.changed = lambda: self.controller.enqueue(sides.identity.name)
        if credentials is not None:
            credentials.changed = lambda: self.controller.enqueue(sides.identity.name)

    @property
    def target(self) -> Object | None:
        """The SyncTarget as it was last seen, not to be changed; None when it is gone or was replaced."""
        target = self.informer.get(self._identity.name)
        return target if target is not None and uid(target) == self._identity.uid else None

    @property
    def status(self) -> Mapping[str, Any]:
        """The SyncTarget's status as it was last seen; empty when it is gone or was replaced."""
        found: Object = (self.target or {}).get("status") or {}
        return found

    def _changed(self, _: str, old: Object | None, new: Object | None) -> None:
        if new is not None and uid(new) == self._identity.uid and self._binding.lost(new):
            self._rest()
        if old is None or new is None or spec_or_metadata_changed(old, new) or _status_matters(old, new):
            self.controller.enqueue(self._identity.name)

    async def reconcile(self, name: str) -> Result | None:
        """One look at the SyncTarget. Raises StatusError and TransportError."""
        target = self.informer.get(name)
        if target is None or uid(target) != self._identity.uid:
            self._leave(name)
            return None
        self._deletions.follow(target)
        try:
            await self._binding.look()
            found = await survey(self._downstream, self._importer, target)
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            return await self._cannot_ask(target, error)
        self._failing_since = None
        # The questions to the pcluster take a while, in which heartbeats have made newer versions.
        target = self.informer.get(name)
        if target is None or uid(target) != self._identity.uid:
            self._leave(name)
            return None
        if not await self._binding.holds(target):
            self._rest()
            return Result(requeue_after_seconds=self._poll_seconds)
        served, rights, looks_soon = self._losses.bear(
            entries_of(target), found.served, found.rights, found.verdicts, self._wanted
        )
        borne = replace(found, served=served, rights=rights)
        try:
            judged = await self._report(target, found, borne)
        except Conflict:
            # The informer can be behind the heartbeats, too.
            target = await self._resource.get(name)
            if uid(target) != self._identity.uid:
                self._leave(name)
                return None
            judged = await self._report(target, found, borne)
        self._wanted = wanted_resources(judged, served, rights, found.verdicts, self._wanted)
        self._sync(shard_urls(target), self._wanted)
        await self._follow(target, found.served)
        self._deletions.synced()
        if self._deletions.release_waits(target):
            # Also when we have settled while the pcluster was asked: a person's leave does not wait for the next poll.
            return Result(requeue_after_seconds=SETTLE_SECONDS)
        return Result(requeue_after_seconds=_ASK_AGAIN_SECONDS if looks_soon else self._poll_seconds)

    async def _cannot_ask(self, target: Object, error: Exception) -> Result:
        """The pcluster gives no answers, or none to us: say so when that lasts, and keep what is synced as it is."""
        now = self._clock.monotonic()
        self._failing_since = now if self._failing_since is None else self._failing_since
        log.warning("the pcluster can't be asked", name=self._identity.name, error=str(error))
        if now - self._failing_since >= UNREACHABLE_SECONDS and not self._binding.refused:
            changed = deep_copy(target)
            message = f"the syncer can't reach the pcluster's API: {error}"[:_LONGEST_MESSAGE]
            mark_false(changed, CONDITION_SYNCER_READY, REASON_PCLUSTER_UNREACHABLE, ERROR, message, self._clock.now())
            patch = merge_patch_of(target, changed)
            if patch is not None:
                await self._resource.patch_status(self._identity.name, patch[0])
        return Result(requeue_after_seconds=_ASK_AGAIN_SECONDS)

    def _leave(self, name: str) -> None:
        """Stop syncing. Nothing is deleted downstream: whoever removed the SyncTarget decides about its workloads."""
        log.warning("SyncTarget is gone or was replaced, not syncing", name=name, uid=self._identity.uid)
        self._rest()

    def _rest(self) -> None:
        self._wanted = {}
        self._sync((), {})

    async def _report(self, target: Object, found: Survey, borne: Survey) -> Sequence[Object]:
        """Write the states of resources, by what is ``borne`` of what was found, and our conditions, if they changed.

        Answers the resources.
        """
        changed = deep_copy(target)
        judged = judged_resources(entries_of(target), borne.served, borne.rights, found.verdicts)
        if judged:
            changed["status"]["syncedResources"] = judged
        missing = [gvr for gvr, verbs in found.rights.items() if verbs]
        how_to_grant = granting_words(self._identity.name, isolate_tenants=self._isolate_tenants)
        now = self._clock.now()
        if missing:
            names = ";".join(sorted(str(gvr) for gvr in missing))
            message = f"SSAR check failed for gvrs: {names}; {how_to_grant}"
            mark_false(changed, CONDITION_SYNCER_AUTHORIZED, REASON_SYNCER_UNAUTHORIZED, ERROR, message, now)
        else:
            mark_true(changed, CONDITION_SYNCER_AUTHORIZED, now)
        if found.held is not None:
            needed = needed_rules(grantable(judged), tunnel=self._tunnel, isolate_tenants=self._isolate_tenants)
            beyond = unneeded(found.held, needed)
            report_unneeded(changed, beyond, how_to_grant, now)
        mark_true(changed, CONDITION_API_IMPORTER_READY, now)
        mark_true(changed, CONDITION_SYNCER_READY, now)
        self._deletions.report(changed, now)
        self._binding.report(changed, now)
        if self._credentials is not None:
            self._credentials.report(changed, now)
        patch = merge_patch_of(target, changed)
        if patch is not None:
            await self._resource.patch_status(self._identity.name, patch[0])
        return judged


def _status_matters(old: Object, new: Object) -> bool:
    """False for heartbeats and for conditions, most of which are our own or follow from them."""
    before, after = old.get("status") or {}, new.get("status") or {}
    return any(before.get(field) != after.get(field) for field in _CHANGED_STATUS_FIELDS)
