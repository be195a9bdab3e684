"""One pass over one upstream object: claim, apply or let go."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import LOCATOR_ANNOTATION
from headwater.controller import Result
from headwater.machinery.errors import Forbidden, NotFound, StatusError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deletion_timestamp, resource_version, split_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.accounts import Accounts, NoToken
from headwater.syncer.identity import item_of, parse_item
from headwater.syncer.latency import Latency
from headwater.syncer.mutate.body import (
    HASH_ANNOTATION,
    ORIGIN_ANNOTATION,
    REVISION_ANNOTATION,
    SHARD_ANNOTATION,
    downstream_body,
)
from headwater.syncer.mutate.drift import is_applied
from headwater.syncer.mutate.pods import PodAccount
from headwater.syncer.mutate.reserved import is_taken, stays_upstream
from headwater.syncer.namespaces.mapping import NAMESPACES, NamespaceCollision, NamespaceTerminating
from headwater.syncer.sides import Sides
from headwater.syncer.spec.autoscaling import Autoscaling, hand_over
from headwater.syncer.spec.brake import DeletionBrake
from headwater.syncer.spec.claims import Claims
from headwater.syncer.spec.delete import DeletionHeld
from headwater.syncer.spec.dnsgate import DnsGate, DnsNotReady
from headwater.syncer.spec.echoes import WAIT_SECONDS, Echoes
from headwater.syncer.spec.place import Place, is_made_for, place_of
from headwater.syncer.spec.refusals import Refusals
from headwater.syncer.spec.signs import Signs, is_behind
from headwater.syncer.spec.witness import Witness
from headwater.syncer.traces import SyncTraces
from headwater.telemetry.logging import get_logger

FIELD_MANAGER: Final = "syncer"
_NAMESPACE_RETRY_SECONDS: Final = 2.0
_ENDING_RETRY_SECONDS: Final = 15.0
_COLLISION_RETRY_SECONDS: Final = 60.0
_UNCONFIRMED_RETRY_SECONDS: Final = 30.0
_NO_TOKEN_RETRY_SECONDS: Final = 10.0
_NOT_SYNCED_RETRY_SECONDS: Final = 3.0

log = get_logger("syncer.spec")


class ObjectCollision(Exception):
    """An object of this name exists downstream, or may, that is not a copy of this upstream object."""


class SpecReconciler:
    """Brings the downstream copy of one upstream object to what the virtual workspace shows."""

    def __init__(
        self,
        sides: Sides,
        *,
        brake: DeletionBrake,
        witness: Witness,
        refusals: Refusals,
        autoscaling: Autoscaling,
        accounts: Accounts,
        applied: Echoes,
        claims: Claims,
        dns: DnsGate,
        latency: Latency,
        traces: SyncTraces,
    ) -> None:
        self._autoscaling = autoscaling
        self._accounts = accounts
        self._dns = dns
        self._identity = sides.identity
        self._upstream = sides.upstream
        self._downstream = sides.downstream
        self._namespaces = sides.namespaces
        self._brake = brake
        self._signs = Signs(sides, brake, witness)
        self._refusals = refusals
        self._applied = applied
        self._claims = claims
        self._activity = sides.activity
        self._latency = latency
        self._traces = traces
        self._settled: dict[str, tuple[str, str, bool, PodAccount]] = {}
        """Item -> resourceVersions of both sides after the last apply, whether the replicas were an autoscaler's, and
        what its pods ran as; so that our own events cost nothing."""

    async def reconcile(self, item: str) -> Result | None:
        """Work on one item. Raises StatusError and TransportError, with the downstream place in a note."""
        resource, key = parse_item(item)
        if self._downstream.informers.version(resource) is None:
            return None  # Not synced any more; it comes again when it is.
        if split_key(key)[1] and not self._namespaces.listed:
            return None  # Its namespace may have another name than it would get; it comes again when that is known.
        try:
            place = place_of(resource, key, self._namespaces)
            try:
                return await self._bring(resource, key, place)
            except StatusError as error:
                if isinstance(error, NotFound | Forbidden):
                    self._namespaces.forget(place.namespace)
                error.add_note(f"downstream {resource} {place}")
                raise
        except (NamespaceCollision, ObjectCollision) as error:
            log.error("collision", upstream=f"{resource} {key}", error=str(error))
            seen = self._upstream.get(resource, key)
            if seen is not None:
                await self._refusals.collided(resource, key, seen)
            return Result(requeue_after_seconds=_COLLISION_RETRY_SECONDS)
        except DnsNotReady as error:
            waiting = self._upstream.get(resource, key)
            if error.lasts and waiting is not None:
                await self._refusals.waits(resource, key, waiting, str(error))
            return Result(requeue_after_seconds=_NOT_SYNCED_RETRY_SECONDS)
        except DeletionHeld:
            return Result(requeue_after_seconds=_UNCONFIRMED_RETRY_SECONDS)
        except NamespaceTerminating:
            return Result(requeue_after_seconds=_NAMESPACE_RETRY_SECONDS)

    def forget(self, item: str) -> None:
        """Compare an item with its copy at the next pass, although neither has changed."""
        self._settled.pop(item, None)

    async def _bring(self, resource: GroupResource, key: str, place: Place) -> Result | None:
        seen = self._upstream.get(resource, key)
        if seen is None or deletion_timestamp(seen):
            self._settled.pop(item_of(resource, key), None)
        if seen is None:
            return await self._after_loss(resource, key, place)
        if deletion_timestamp(seen):
            if await self._delete(resource, key, seen, place):
                await self._claims.let_go(resource, key, seen)
            elif not place.namespace:  # Its event may name another workspace, as locators are edited by hand.
                return Result(requeue_after_seconds=_ENDING_RETRY_SECONDS)
            return None
        if stays_upstream(seen, resource):
            return None
        if not self._downstream.informers.synced(resource):
            return None  # What looks new may be there; it comes again when the copies are known.
        if not (
            self._downstream.informers.synced(NAMESPACES)
            and self._autoscaling.known_for(seen)
            and self._accounts.known_for(resource, seen)
        ):
            return Result(requeue_after_seconds=_NOT_SYNCED_RETRY_SECONDS)
        if not self._claims.holds(seen):
            if self._claims.awaits(resource, key, seen):
                return Result(requeue_after_seconds=WAIT_SECONDS)  # Its event comes before.
            claimed = await self._claims.claim(resource, key, seen)
            if claimed is None:
                return None  # Gone or unassigned meanwhile, which its event will tell.
            if deletion_timestamp(claimed):
                return None  # Marked meanwhile, which the event of the claim will tell.
            seen = claimed
        if is_taken(seen, resource):
            raise ObjectCollision(f"{resource} {place}: the name is that of a Secret with a token for pods")
        try:
            again = await self._apply(resource, key, seen, place)
        except NoToken as error:
            await self._refusals.waits(resource, key, seen, f"{error.reason}: {error}")
            return Result(requeue_after_seconds=_NO_TOKEN_RETRY_SECONDS)
        except StatusError as error:
            raise await self._refusals.refused(resource, key, seen, place, error) from None
        await self._refusals.taken(resource, key, seen)
        return again

    async def _delete(self, resource: GroupResource, key: str, seen: Object, place: Place) -> bool:
        """Delete the copy, as upstream wants it; True once it is gone for certain."""
        try:
            return await self._signs.marked(resource, key, place, seen)
        except StatusError as error:
            raise await self._refusals.refused(resource, key, seen, place, error) from None

    async def _after_loss(self, resource: GroupResource, key: str, place: Place) -> Result | None:
        """The object is not in our copy of the view: only a live answer makes that a reason to delete."""
        if not self._upstream.synced(resource):
            return Result(requeue_after_seconds=_NOT_SYNCED_RETRY_SECONDS)
        await self._signs.absent(resource, key, place)
        return None

    async def _apply(self, resource: GroupResource, key: str, upstream: Object, place: Place) -> Result | None:
        item = item_of(resource, key)
        cluster, space, _ = split_key(key)
        lost = bool(space) and self._namespaces.is_gone(place.namespace)
        if space:  # Also for what is as it should be: without its labels a namespace is nobody's, and all in it.
            await self._namespaces.ensure(cluster, space)
        copy = None if lost else self._downstream.get(resource, place.namespace, place.name)
        client = self._downstream.resource(resource, place.namespace)
        kept = await self._autoscaling.copy_to_keep(client, key, upstream, place, copy)
        copy = kept or copy
        account = self._accounts.of(upstream, key, copy)
        seen_copy = resource_version(copy) if copy is not None else ""
        now = (resource_version(upstream), seen_copy, kept is not None, account)
        if self._settled.get(item) == now:
            self._latency.same(item)
            return None
        locator = "" if space else self._identity.locator(cluster, "").to_json()
        body = downstream_body(
            upstream,
            resource,
            key=self._identity.key,
            namespace=place.namespace,
            locator=locator,
            account=account,
            without_replicas=kept is not None,
            namespace_below=lambda other: self._namespaces.known(cluster, other),
            dns=self._dns.dns_for(upstream, cluster, space, copy),  # The resolver is made for the namespace.
        )
        digest = body["metadata"]["annotations"][HASH_ANNOTATION]
        if self._applied.awaits(item, copy, digest):
            self._latency.same(item)
            return Result(requeue_after_seconds=WAIT_SECONDS)  # Its event comes before.
        if copy is not None and not self._is_mislabelled(copy, key, upstream) and is_applied(copy, body):
            self._settled[item] = now
            self._latency.same(item)
            return None
        if not space:
            await self._check_collision(resource, place, key, locator, copy)
        if account.access is not None:
            await self._accounts.ensure(upstream, key)  # Without the Secret the pods would wait.
        if kept is not None:
            await hand_over(client, kept)
        body["metadata"]["annotations"] |= {
            REVISION_ANNOTATION: resource_version(upstream),
            SHARD_ANNOTATION: self._upstream.shard_of(resource, key),
            ORIGIN_ANNOTATION: self._identity.origin(cluster, space),
        }
        if copy is None:
            self._brake.made(item)
        with self._traces.applying(item, upstream, (place.namespace, place.name)):
            applied = await client.apply(body, field_manager=FIELD_MANAGER, force=True, strict=True)
        self._settled[item] = (resource_version(upstream), resource_version(applied), kept is not None, account)
        self._applied.wrote(item, applied, digest)
        self._activity.note()
        self._latency.written(item)
        log.debug("applied", upstream=item, downstream=str(place), revision=resource_version(upstream))
        return None

    def _is_mislabelled(self, copy: Object, key: str, upstream: Object) -> bool:
        """Whether a copy says something else of where it comes from than is so, whatever it holds."""
        return not is_made_for(copy, key, self._identity) or (self._brake.trusts and is_behind(upstream, copy))

    async def _check_collision(
        self, resource: GroupResource, place: Place, key: str, locator: str, copy: Object | None
    ) -> None:
        """Cluster-scoped names are shared by all workspaces and by the pcluster's owner."""
        if copy is None:
            try:
                copy = await self._downstream.resource(resource, "").get(place.name)
            except NotFound:
                return
        notes = annotations_of(copy)
        # A locator of ours that was edited is put right.
        text, made_for_it = notes.get(LOCATOR_ANNOTATION), is_made_for(copy, key, self._identity)
        is_ours = text == locator if made_for_it is None else made_for_it and self._identity.own_locator(text)
        # What comes up from here carries the locator, too; what we have applied has its hash besides.
        if not is_ours or HASH_ANNOTATION not in notes:
            raise ObjectCollision(
                f"(cluster-wide resource collision) {resource} {place.name} exists downstream and is not ours"
            )
