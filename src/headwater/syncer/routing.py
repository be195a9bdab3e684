"""Who hears of which change: events of the informers of both sides, passed to the parts that they concern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.client.informer.indexes import BY_NAMESPACE, namespace_index_value
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, name, object_key
from headwater.syncer.accounts import Accounts
from headwater.syncer.capacity.report import CapacityReport
from headwater.syncer.identity import item_of
from headwater.syncer.namespaces.cleaner import NamespaceCleaner
from headwater.syncer.namespaces.mapping import NAMESPACES, is_as_before
from headwater.syncer.sides import Sides
from headwater.syncer.spec import SpecSyncer
from headwater.syncer.spec.signs import RESTORED
from headwater.syncer.status import StatusSyncer
from headwater.syncer.tenants import Tenants
from headwater.syncer.upsync import Upsync


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedParts:
    """The parts that hear of changes; what is known of namespaces and accounts is brought up to date before its use."""

    sides: Sides
    tenants: Tenants
    accounts: Accounts
    spec: SpecSyncer
    status: StatusSyncer
    upsync: Upsync
    cleaner: NamespaceCleaner
    capacity: CapacityReport

    def sync(self, urls: Sequence[str], wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Follow these resources on the pcluster and at these virtual workspace URLs; without URLs bring up nothing."""
        self.sides.downstream.sync(wanted)
        self.sides.upstream.sync(urls, wanted)
        if not urls:
            self.upsync.stop()

    def control_plane_went_back(self, since: float) -> None:
        """Delete nothing before a person has looked, and trust nothing of what was known of the control plane.

        It has gone back since then, by the monotonic clock.
        """
        if not self.spec.brake.accepted_since(since):
            self.spec.brake.hold(RESTORED, behind=True)
        self.sides.upstream.list_again()
        self.upsync.list_again()

    def upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Pass on a change in the view of the virtual workspaces."""
        if resource == NAMESPACES:
            obj = new or old
            if obj is not None:
                self.cleaner.upstream_changed(object_key(obj), new)
                self.upsync.placed_namespace_changed(obj)
            return
        self.accounts.upstream_changed(resource, old, new)
        self.spec.upstream_changed(resource, old, new)
        self.status.upstream_changed(resource, old, new)

    def downstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Pass on a change on the pcluster, of what is ours there."""
        if resource == NAMESPACES:
            self.sides.namespaces.changed(old, new)
            self.cleaner.downstream_changed(old, new)
            self.tenants.namespace_changed(old, new)
            self.capacity.namespace_changed(name(new or old or {}))
            self._revisit_namespace(old, new)
            self.upsync.namespace_changed(old, new)
            return
        self.upsync.copy_changed(resource, new or old)
        self.accounts.downstream_changed(resource, old, new)
        self.spec.downstream_changed(resource, old, new)
        self.status.downstream_changed(resource, old, new)

    def _revisit_namespace(self, old: Object | None, new: Object | None) -> None:
        """One that comes may let copies be told apart at last; one that goes has to come back, as have its labels."""
        if is_as_before(old, new):
            return
        locators = [self.sides.namespaces.locator_from(each) for each in (old, new) if each is not None]
        for locator in locators:
            if locator is None or not locator.namespace:
                continue
            value = namespace_index_value(locator.cluster, locator.namespace)
            for synced in self.sides.downstream.informers.resources:
                for informer in self.sides.upstream.informers(synced):
                    for key in informer.index_keys(BY_NAMESPACE, value):
                        self.spec.controller.enqueue(item_of(synced, key))
                        self.status.controller.enqueue(item_of(synced, key))
        if new is not None:
            self.spec.revisit(name(new))
            self.accounts.revisit(name(new))
