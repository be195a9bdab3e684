"""Wires what happens to marked objects, to what asks for them, and upstream, to the upsync of one object."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.upsync import ENDPOINT_SLICES, ENDPOINTS, PERSISTENT_VOLUMES, PODS, SECRETS
from headwater.base.tasks import TaskGroup
from headwater.client.discovery import Discovery
from headwater.client.dynamic import Client
from headwater.client.informer.indexes import BY_NAMESPACE as BY_UPSTREAM_NAMESPACE
from headwater.client.informer.indexes import namespace_index_value
from headwater.controller import Controller
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, name, namespace, object_key, split_key
from headwater.syncer.downstream import BY_NAMESPACE
from headwater.syncer.identity import item_of
from headwater.syncer.namespaces.mapping import NAMESPACES, NamespaceCollision, is_as_before
from headwater.syncer.sides import Sides
from headwater.syncer.target.rights import lacking_verbs
from headwater.syncer.upstream import TransportFor, Upstream, is_same_version
from headwater.syncer.upsync.choose import FOLLOWED_VERBS, followed_resources, upsyncer_urls
from headwater.syncer.upsync.clash import clash_event
from headwater.syncer.upsync.eventfeed import EventFeed
from headwater.syncer.upsync.eventwriter import EventCopier
from headwater.syncer.upsync.interest import Interest
from headwater.syncer.upsync.marked import BY_SERVICE, SERVICES, Marked
from headwater.syncer.upsync.pace import Pace
from headwater.syncer.upsync.reconcile import UpsyncReconciler
from headwater.syncer.upsync.volumes import CLAIMS, VolumeMarker
from headwater.telemetry.logging import get_logger

WRITES_PER_SECOND: Final = 100.0
WRITES_AT_ONCE: Final = 200
_WORKERS: Final = 8

log = get_logger("syncer.upsync")


class Upsync:
    """The controllers that bring objects up. Without ``pods`` these are taken back, without ``events`` none is told.

    ``sides`` have what was brought down, and where that comes from; the views of what comes up are its own.
    """

    def __init__(self, sides: Sides, *, transport_for: TransportFor, pods: bool, events: bool) -> None:
        self._identity = sides.identity
        self._clock = sides.clock
        self._sides = sides
        self._client: Client = sides.downstream.client
        self._hidden = frozenset() if pods else frozenset({PODS})
        self._lacking = ""
        copies = sides.downstream
        self._upstream = Upstream(transport_for=transport_for, changed=self._upstream_changed, clock=sides.clock)
        self._interest = Interest(self._upstream)
        self._marked = Marked(
            self._client,
            identity=sides.identity,
            copies=copies,
            placed=sides.upstream,
            namespaces=sides.namespaces,
            changed=self._marked_changed,
            clock=sides.clock,
        )
        self._reconciler = UpsyncReconciler(
            identity=sides.identity,
            upstream=self._upstream,
            marked=self._marked,
            namespaces=sides.namespaces,
            hidden=self._hidden,
            clashes=self._tell_of_clash,
            pace=Pace(sides.clock, rate=WRITES_PER_SECOND, burst=WRITES_AT_ONCE),
            activity=sides.activity,
            clock=sides.clock,
        )
        self._controller = Controller(
            "syncer-upsync",
            reconcile=self._reconciler.reconcile,
            workers=_WORKERS,
            clock=sides.clock,
            registry=sides.registry,
        )
        self._volumes = VolumeMarker(
            self._client,
            identity=sides.identity,
            copies=copies,
            marked=self._marked,
            namespaces=sides.namespaces,
            clock=sides.clock,
            registry=sides.registry,
        )
        self._copier = EventCopier(
            identity=sides.identity,
            upstream=self._upstream,
            placed=sides.upstream,
            clock=sides.clock,
            registry=sides.registry,
        )
        self._feed = EventFeed(
            self._client,
            namespaces=sides.namespaces,
            ready=lambda: copies.informers.synced(NAMESPACES),
            take=self._copier.take,
            clock=sides.clock,
        )
        self._events = events

    async def follow(self, sync_target: Object, served: Discovery) -> None:
        """Bring up what the SyncTarget says and we may read. Raises StatusError and TransportError."""
        entries = (sync_target.get("status") or {}).get("syncedResources") or ()
        candidates = followed_resources(entries, served)
        rights = await lacking_verbs(self._client, candidates, FOLLOWED_VERBS)
        missing = [gvr for gvr, verbs in rights.items() if verbs]
        self._say_lacking(", ".join(sorted(str(gvr) for gvr in missing)))
        wanted = {gvr.group_resource: gvr for gvr in candidates if gvr not in missing}
        self._copier.learn(served)
        newly = PERSISTENT_VOLUMES in wanted and self._marked.informers.version(PERSISTENT_VOLUMES) is None
        self._marked.sync({resource: gvr for resource, gvr in wanted.items() if resource not in self._hidden})
        await self._interest.follow(upsyncer_urls(sync_target), wanted, is_marked=self._is_marked)
        claims = self._sides.downstream.informers.get(CLAIMS)
        for claim in claims.list() if newly and claims is not None else ():
            self._volumes.claim_changed(claim)

    def _say_lacking(self, lacking: str) -> None:
        if lacking and lacking != self._lacking:
            log.warning("not brought up, as rights to read it on the pcluster are missing", lacking=lacking)
        elif self._lacking and not lacking:
            log.info("no rights are missing any more to bring objects up")
        self._lacking = lacking

    def stop(self) -> None:
        """Bring up nothing more; what is there stays, as the SyncTarget's end is for the control plane to follow up."""
        self._marked.sync({})
        self._interest.leave()

    def list_again(self) -> None:
        """Trust nothing of what was known of what came up: the control plane went back in time."""
        self._interest.ask_again()
        self._upstream.list_again()

    async def run(self) -> None:
        """Work until cancelled."""
        async with TaskGroup("upsync") as group:
            group.start(self._marked.informers.run(), name="marked")
            group.start(self._upstream.run(), name="upsyncer")
            group.start(self._controller.run(), name="upsync")
            group.start(self._volumes.controller.run(), name="volumes")
            if self._events:
                group.start(self._feed.run(), name="events")
                group.start(self._copier.controller.run(), name="event writer")

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """A downstream namespace that comes may let objects be told apart; one that goes takes them along.

        So does one that says anew whose it is.
        """
        if is_as_before(old, new):
            return
        space: Object = new or old or {}
        for resource in list(self._marked.informers.resources):
            informer = self._marked.informers.get(resource)
            for obj in informer.by_index(BY_NAMESPACE, name(space)) if informer is not None else ():
                self._marked_changed(resource, None, obj)
        locator = self._sides.namespaces.locator_from(old) if old is not None else None
        if locator is not None and locator.namespace:
            for resource in list(self._marked.informers.resources):
                self._enqueue_upstream(resource, locator.cluster, locator.namespace)

    def placed_namespace_changed(self, obj: Object) -> None:
        """An upstream namespace may ask for Secrets, or no longer."""
        cluster, _, space = split_key(object_key(obj))
        try:
            downstream = self._sides.namespaces.known(cluster, space)
        except NamespaceCollision:
            return  # The spec syncer reports it.
        informer = self._marked.informers.get(SECRETS)
        for secret in informer.by_index(BY_NAMESPACE, downstream) if informer is not None else ():
            self._marked_changed(SECRETS, None, secret)

    def copy_changed(self, resource: GroupResource, copy: Object | None) -> None:
        """A Service or a claim that we brought down may ask for what is derived from it."""
        if copy is not None and resource == CLAIMS:
            self._volumes.claim_changed(copy)
        elif copy is not None and resource == SERVICES:
            for derived in (ENDPOINTS, ENDPOINT_SLICES):
                informer = self._marked.informers.get(derived)
                value = f"{namespace(copy)}/{name(copy)}"
                for obj in informer.by_index(BY_SERVICE, value) if informer is not None else ():
                    self._marked_changed(derived, None, obj)

    def _marked_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """What is in no namespace says itself whose it is, and may say it anew."""
        states = (new,) if new is not None and namespace(new) else (old, new)
        for state in states:
            key = self._marked.key_of(resource, state) if state is not None else None
            if key is not None:
                self._interest.need(resource)
                self._controller.enqueue(item_of(resource, key))

    def _tell_of_clash(self, key: str, obj: Object) -> None:
        cluster, space, upstream = split_key(key)
        if self._events and space:
            target = self._identity.name
            event = clash_event(obj, space=space, upstream=upstream, sync_target=target, now=self._clock.now())
            self._copier.take(event, cluster, space)

    def _is_marked(self, resource: GroupResource) -> bool:
        informer = self._marked.informers.get(resource)
        return informer is not None and len(informer) > 0

    def _upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None:
            return
        item = item_of(resource, object_key(obj))
        if new is None or is_same_version(old, new):
            self._reconciler.forget(item)
        self._controller.enqueue(item)

    def _enqueue_upstream(self, resource: GroupResource, cluster: str, space: str) -> None:
        for informer in self._upstream.informers(resource):
            for key in informer.index_keys(BY_UPSTREAM_NAMESPACE, namespace_index_value(cluster, space)):
                self._controller.enqueue(item_of(resource, key))
