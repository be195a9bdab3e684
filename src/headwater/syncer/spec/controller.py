"""Wires changes on both sides to the spec reconciler."""

from __future__ import annotations

from headwater.apis.workload.autoscalers import AUTOSCALERS
from headwater.client.informer.indexes import BY_NAMESPACE as UPSTREAM_NAMESPACE
from headwater.client.informer.indexes import namespace_index_value
from headwater.controller import Controller
from headwater.controller.triggers import spec_or_metadata_changed
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, namespace, object_key
from headwater.syncer.accounts import Accounts
from headwater.syncer.downstream import BY_NAMESPACE
from headwater.syncer.identity import item_of
from headwater.syncer.latency import latency
from headwater.syncer.namespaces.mapping import NAMESPACES
from headwater.syncer.sides import Sides
from headwater.syncer.spec.autoscaling import Autoscaling
from headwater.syncer.spec.brake import BrakeSettings, DeletionBrake
from headwater.syncer.spec.claims import Claims
from headwater.syncer.spec.dnsgate import DnsGate
from headwater.syncer.spec.echoes import Echoes
from headwater.syncer.spec.place import upstream_key
from headwater.syncer.spec.reconcile import SpecReconciler
from headwater.syncer.spec.refusals import Refusals
from headwater.syncer.spec.witness import Witness
from headwater.syncer.traces import SyncTraces
from headwater.syncer.upstream import is_same_version


class SpecSyncer:
    """The controller from upstream to downstream."""

    def __init__(
        self,
        sides: Sides,
        *,
        accounts: Accounts,
        dns: DnsGate,
        brake: BrakeSettings,
        traces: SyncTraces,
        workers: int,
    ) -> None:
        self._identity = sides.identity
        self._namespaces = sides.namespaces
        self._downstream = sides.downstream
        self._autoscaling = Autoscaling(sides.upstream, sides.downstream)
        self._upstream = sides.upstream
        self._latency = latency(sides.registry, sides.clock, "down")
        self._claims, self._applied = Claims(sides), Echoes(sides.clock)
        self._witness = Witness()
        self.brake = DeletionBrake(brake, sides.clock, registry=sides.registry, again=self._again)
        self._reconciler = SpecReconciler(
            sides,
            brake=self.brake,
            witness=self._witness,
            refusals=Refusals(sides.upstream, key=sides.identity.key, clock=sides.clock, registry=sides.registry),
            autoscaling=self._autoscaling,
            accounts=accounts,
            applied=self._applied,
            claims=self._claims,
            dns=dns,
            latency=self._latency,
            traces=traces,
        )
        self.controller = Controller(
            "syncer-spec",
            reconcile=self._reconciler.reconcile,
            workers=workers,
            clock=sides.clock,
            registry=sides.registry,
        )
        accounts.again = self.controller.enqueue
        sides.downstream.informers.listed = self._revisit_all

    def _again(self, item: str | None) -> None:
        """Look at an item anew, or at all that there are."""
        if item is not None:
            self.controller.enqueue(item)
            return
        for resource in self._downstream.informers.resources:
            self._revisit_all(resource)

    def _revisit_all(self, resource: GroupResource) -> None:
        if resource == NAMESPACES:  # They are made for what is in them, never brought down themselves.
            for each in self._downstream.informers.resources:
                if each != NAMESPACES:
                    self._revisit_all(each)
            return
        for informer in self._upstream.informers(resource):
            for key in list(informer.keys()):
                self.controller.enqueue(item_of(resource, key))

    def upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change in the virtual workspace; status is no concern of this controller."""
        obj = new or old
        if obj is not None and spec_or_metadata_changed(old, new):
            if new is None:
                self._claims.forget(resource, object_key(obj))
            elif is_same_version(old, new):
                self._reconciler.forget(item_of(resource, object_key(obj)))
            self._latency.changed(item_of(resource, object_key(obj)))
            self.controller.enqueue(item_of(resource, object_key(obj)))
            self._revisit_scaled(resource, object_key(obj), old, new)

    def _revisit_scaled(self, resource: GroupResource, key: str, *states: Object | None) -> None:
        """Look at what an autoscaler scales, or did: whose the replicas are may have changed."""
        if resource == AUTOSCALERS:
            for state in states:
                for item in self._autoscaling.scaled_by(state, key) if state is not None else ():
                    self.controller.enqueue(item)

    def revisit_workspace(self, cluster: str) -> None:
        """Look at all that a workspace has here, as what its pods resolve names by has changed."""
        for space in self._namespaces.of_workspace(cluster):
            for resource in self._downstream.informers.resources:
                for informer in self._upstream.informers(resource):
                    for key in informer.index_keys(UPSTREAM_NAMESPACE, namespace_index_value(cluster, space)):
                        self._reconciler.forget(item_of(resource, key))
                        self.controller.enqueue(item_of(resource, key))

    def revisit(self, space: str) -> None:
        """Look at all copies in a downstream namespace, which may have been listed before the namespace itself."""
        for resource in self._downstream.informers.resources:
            informer = self._downstream.informers.get(resource)
            for obj in informer.by_index(BY_NAMESPACE, space) if informer is not None else ():
                self.downstream_changed(resource, None, obj)

    def downstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change on the pcluster: a copy that went comes back, one that was edited is repaired."""
        obj = new or old
        if obj is None or not spec_or_metadata_changed(old, new):
            return
        key = upstream_key(resource, obj, namespaces=self._namespaces, identity=self._identity)
        if old is not None and new is not None and not namespace(new):
            was = upstream_key(resource, old, namespaces=self._namespaces, identity=self._identity)
            if was not in (None, key):
                self.controller.enqueue(item_of(resource, was))  # Its locator was edited, which is put right.
        if key is not None:
            self._witness.note(obj)
            if new is None:
                self._applied.forget(item_of(resource, key))
            self.controller.enqueue(item_of(resource, key))
            self._revisit_scaled(resource, key, old, new)
