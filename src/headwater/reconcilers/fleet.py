"""The informers that scheduling and SyncTarget controllers share, over all logical clusters.

SyncTargets, Locations and Placements come from APIExports, so their collections are addressed by identity; that is
read once, when the exports exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apis.placement.v1alpha1 import location, placement
from headwater.apis.sync.v1alpha1 import synctarget
from headwater.apis.workload.labels import sync_target_key
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer, InformerFactory
from headwater.machinery.errors import Forbidden, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object, cluster_name, name, namespace, nested
from headwater.machinery.objects import annotations as annotations_of

BY_CLUSTER: Final = "cluster"
BY_NAMESPACE: Final = "namespace"
BY_KEY: Final = "sync-target-key"
BY_REFERENCE: Final = "reference"
NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
_ROOT: Final = "root"
_IDENTITY_POLL_SECONDS: Final = 0.05


def by_cluster(obj: Object) -> Iterable[str]:
    """Index value: the logical cluster."""
    return (cluster_name(obj),)


def by_namespace(obj: Object) -> Iterable[str]:
    """Index value: the key of the object's Namespace."""
    return (namespace_key(obj),)


def by_target_key(obj: Object) -> Iterable[str]:
    """Index value of a SyncTarget: its key."""
    return (sync_target_key(cluster_name(obj), name(obj)),)


def by_reference(obj: Object) -> Iterable[str]:
    """Index values of an APIExport: `cluster|name`, and `path|name` when the path is known."""
    references = {f"{cluster_name(obj)}|{name(obj)}"}
    path = annotations_of(obj).get(PATH_ANNOTATION)
    if path:
        references.add(f"{path}|{name(obj)}")
    return sorted(references)


def namespace_key(obj: Object) -> str:
    """Informer key of the Namespace that an object is in."""
    return f"{cluster_name(obj)}|{namespace(obj)}"


def cluster_scoped_key(cluster: str) -> str:
    """What stands for a Namespace, in indexes by it, with the cluster-scoped objects of a logical cluster."""
    return f"{cluster}|"


def with_identity(gvr: GroupVersionResource, identity: str) -> GroupVersionResource:
    """The resource as wildcard requests address it."""
    return GroupVersionResource(gvr.group, gvr.version, f"{gvr.resource}:{identity}")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Shared informers and what is needed to write the objects in them."""

    cluster_client: ClusterClient
    clock: Clock
    sync_targets: Informer
    locations: Informer
    placements: Informer
    namespaces: Informer
    bindings: Informer
    exports: Informer

    @classmethod
    async def open(cls, cluster_client: ClusterClient, informers: InformerFactory, clock: Clock) -> Fleet:
        """Make the informers; waits until the exports of the sync and placement groups have their identity."""
        sync = await identity_of_export(cluster_client, synctarget.EXPORT_NAME, clock)
        place = await identity_of_export(cluster_client, location.EXPORT_NAME, clock)
        fleet = cls(
            cluster_client,
            clock,
            sync_targets=informers.informer(with_identity(synctarget.SYNC_TARGETS, sync)),
            locations=informers.informer(with_identity(location.LOCATIONS, place)),
            placements=informers.informer(with_identity(placement.PLACEMENTS, place)),
            namespaces=informers.informer(NAMESPACES),
            bindings=informers.informer(API_BINDING.gvr),
            exports=informers.informer(API_EXPORT.gvr),
        )
        for informer in (fleet.sync_targets, fleet.locations, fleet.placements, fleet.namespaces, fleet.bindings):
            informer.add_index(BY_CLUSTER, by_cluster)
        fleet.sync_targets.add_index(BY_KEY, by_target_key)
        fleet.exports.add_index(BY_REFERENCE, by_reference)
        return fleet

    async def wait_synced(self) -> None:
        """Wait until every collection was listed once: decisions on half a picture would move workloads."""
        for informer in self._all():
            await informer.wait_synced()

    def _all(self) -> Sequence[Informer]:
        return (self.sync_targets, self.locations, self.placements, self.namespaces, self.bindings, self.exports)

    def target_exists(self, key: str) -> bool:
        """True while a SyncTarget has this key."""
        return bool(self.sync_targets.index_keys(BY_KEY, key))

    def target_name(self, key: str) -> str:
        """Name of the SyncTarget with this key; empty when there is none."""
        found = self.sync_targets.by_index(BY_KEY, key)
        return name(found[0]) if found else ""

    async def resolve(self, workspace: str) -> str | None:
        """Logical cluster name of a workspace path, None when there is no such workspace."""
        client = self.cluster_client.cluster(workspace).resource(LOGICAL_CLUSTER.gvr)
        try:
            return cluster_name(await client.get("cluster"))
        except (NotFound, Forbidden):
            return None


async def identity_of_export(cluster_client: ClusterClient, export: str, clock: Clock) -> str:
    """Identity hash of an APIExport of the root workspace; waits until it has one."""
    client = cluster_client.cluster(_ROOT).resource(API_EXPORT.gvr)
    while True:
        try:
            identity: str = nested(await client.get(export), "status", "identityHash", default="")
        except NotFound:
            identity = ""
        if identity:
            return identity
        await clock.sleep(_IDENTITY_POLL_SECONDS)
