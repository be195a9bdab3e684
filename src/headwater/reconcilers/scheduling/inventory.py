"""Informers of everything that runs on targets: some builtin kinds, and the resources of bound compute exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from headwater.apis.workload.compute import is_compute
from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import SYNCER_FINALIZER_PREFIX
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer, InformerFactory, only_metadata
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, finalizers, labels, nested
from headwater.reconcilers.fleet import BY_CLUSTER, BY_NAMESPACE, Fleet, by_namespace, with_identity
from headwater.scheduling.readiness import WORKLOAD_RESOURCES

BY_TARGET: Final = "target"
BUILTINS: Final = tuple(GroupVersionResource("", "v1", each) for each in ("configmaps", "secrets", "serviceaccounts"))
"""What every workspace has and pods may need beside them."""
_MADE_BELOW: Final = frozenset(
    {("", "pods"), ("apps", "replicasets"), ("", "endpoints"), ("discovery.k8s.io", "endpointslices")}
)
"""Made downstream by controllers there, so never placed; what is upstream of these was copied up."""

Listener = Callable[[GroupVersionResource, Informer], None]


def by_target(obj: Object) -> Iterable[str]:
    """Index values: the keys of all targets that have, or may have, the object."""
    held = {
        each.removeprefix(SYNCER_FINALIZER_PREFIX)
        for each in finalizers(obj)
        if each.startswith(SYNCER_FINALIZER_PREFIX)
    }
    return sorted(held | set(target_keys(labels(obj))))


def runs_pods(obj: Object) -> bool:
    """True for an object that has a pod template: a workload, which Placements may select."""
    return nested(obj, "spec", "template", default=None) is not None


def plain(gvr: GroupVersionResource) -> tuple[str, str]:
    """(group, resource) without identity."""
    return gvr.group, gvr.resource.partition(":")[0]


def _bound_by(binding: Object) -> Iterable[GroupVersionResource]:
    """The resources of a compute binding, with their identity."""
    if not is_compute(binding):
        return
    for bound in nested(binding, "status", "boundResources", default=None) or ():
        versions = bound.get("storageVersions") or ()
        if versions:
            identity = nested(bound, "schema", "identityHash", default="")
            yield with_identity(GroupVersionResource(bound.get("group", ""), versions[-1], bound["resource"]), identity)


class Inventory:
    """Makes an informer for every resource as soon as a compute export with it is bound anywhere.

    One informer covers a resource in all workspaces; a workspace more costs none.
    """

    def __init__(self, fleet: Fleet, cluster_client: ClusterClient, clock: Clock) -> None:
        self._fleet = fleet
        self.factory = InformerFactory(cluster_client, clock=clock)
        self._known: dict[GroupVersionResource, Informer] = {}
        self._listeners: list[Listener] = []
        self._with_pods: set[GroupVersionResource] = set()
        for gvr in BUILTINS:
            # No Secret or ConfigMap data stays in memory: scheduling never reads it.
            self._add(gvr, self.factory.informer(gvr, transform=only_metadata))
        fleet.bindings.add_handler(self._on_binding)

    def add_listener(self, listener: Listener) -> None:
        """Hear of every resource, at once of those known already."""
        self._listeners.append(listener)
        for gvr, informer in self._known.items():
            listener(gvr, informer)

    def placed(self, gvr: GroupVersionResource) -> bool:
        """False for what is only ever copied up."""
        return plain(gvr) not in _MADE_BELOW

    @property
    def all_synced(self) -> bool:
        """True when all that was bound anywhere is known; before that nobody can say how much room there is."""
        return all(informer.has_synced for informer in self._known.values())

    def settled(self, cluster: str) -> bool:
        """True when all workloads of a logical cluster are known."""
        return all(self._known[gvr].has_synced for gvr in self._workloads(cluster))

    def runs_on(self, namespace: str, target_key: str) -> bool:
        """True while a workload of the namespace (by its informer key) has the target, or may have it.

        Between a start, or a new binding, and the first list of a resource nothing is known of its objects.
        """
        cluster = namespace.partition("|")[0]
        return not self.settled(cluster) or any(
            target_key in target_keys(labels(each))
            for gvr in self._workloads(cluster)
            for each in self._known[gvr].by_index(BY_NAMESPACE, namespace)
        )

    def runs_in_cluster(self, cluster: str, target_key: str) -> bool:
        """True while a workload of the logical cluster has the target, or may have it; see `runs_on`."""
        return not self.settled(cluster) or any(
            key.startswith(f"{cluster}|")
            for gvr in self._workloads(cluster)
            for key in self._known[gvr].index_keys(BY_TARGET, target_key)
        )

    def workloads_in(self, namespace: str) -> Iterable[Object]:
        """All objects with pods of a namespace, given by its informer key."""
        for gvr in self._with_pods:
            yield from filter(runs_pods, self._known[gvr].by_index(BY_NAMESPACE, namespace))

    def informers(self) -> dict[GroupVersionResource, Informer]:
        """Resource, with its identity, to its informer."""
        return dict(self._known)

    def in_namespace(self, namespace: str) -> Iterable[tuple[GroupVersionResource, str]]:
        """(resource, key) of every object in a namespace, given by its informer key; see `cluster_scoped_key`."""
        for gvr, informer in self._known.items():
            for key in informer.index_keys(BY_NAMESPACE, namespace):
                yield gvr, key

    def on_target(self, target_key: str) -> Iterable[tuple[GroupVersionResource, str]]:
        """(resource, key) of every object that a target has or may have."""
        for gvr, informer in self._known.items():
            for key in informer.index_keys(BY_TARGET, target_key):
                yield gvr, key

    def _on_binding(self, _kind: str, _old: Object | None, new: Object | None) -> None:
        for gvr in _bound_by(new) if new is not None else ():
            if gvr in self._known:
                continue
            if self.placed(gvr):
                self._add(gvr, self.factory.informer(gvr))
            else:
                self._add(gvr, self.factory.informer(gvr, transform=only_metadata))

    def _workloads(self, cluster: str) -> Iterable[GroupVersionResource]:
        for binding in self._fleet.bindings.by_index(BY_CLUSTER, cluster):
            for gvr in _bound_by(binding):
                if plain(gvr) in WORKLOAD_RESOURCES and gvr in self._known:
                    yield gvr

    def _add(self, gvr: GroupVersionResource, informer: Informer) -> None:
        informer.add_index(BY_NAMESPACE, by_namespace)
        informer.add_index(BY_TARGET, by_target)

        def seen(_kind: str, _old: Object | None, new: Object | None) -> None:
            if new is not None and runs_pods(new):
                self._with_pods.add(gvr)

        informer.add_handler(seen)
        self._known[gvr] = informer
        for listener in self._listeners:
            listener(gvr, informer)
