"""What the tenancy controllers share: informers over all logical clusters, shards, and workspace types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apis.core.v1alpha1.logicalcluster import NAME as LOGICAL_CLUSTER_NAME
from headwater.apis.core.v1alpha1.shard import SHARD
from headwater.apis.tenancy.v1alpha1.workspace import GROUP, WORKSPACE
from headwater.apis.tenancy.v1alpha1.workspacetype import WORKSPACE_TYPE
from headwater.apis.tenancy.workspacetypes import ResolvedType, TypeReference, TypeResolver
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.machinery import objects
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.logicalcluster import PATH_ANNOTATION, ROOT
from headwater.machinery.objects import Object
from headwater.reconcilers.fleet import identity_of_export, with_identity
from headwater.reconcilers.interface import ControllerContext

BY_PATH: Final = "path"
CLUSTER_ROLE_BINDINGS: Final = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")


def by_path(logical_cluster: Object) -> Iterable[str]:
    """Index value: canonical path of a logical cluster."""
    path = objects.annotations(logical_cluster).get(PATH_ANNOTATION)
    return (path,) if path else ()


@dataclass(frozen=True, slots=True)
class TenancyDirectory:
    """Informers and look-ups; one for all tenancy controllers of a process."""

    cluster_client: ClusterClient
    clock: Clock
    workspaces_gvr: GroupVersionResource
    workspaces: Informer
    workspace_types: Informer
    logical_clusters: Informer

    @classmethod
    async def open(cls, context: ControllerContext) -> TenancyDirectory:
        """Make the informers; waits until the tenancy export has its identity."""
        identity = await identity_of_export(context.cluster_client, GROUP, context.clock)
        workspaces, types = (with_identity(kind.gvr, identity) for kind in (WORKSPACE, WORKSPACE_TYPE))
        logical_clusters = context.informers.informer(LOGICAL_CLUSTER.gvr)
        logical_clusters.add_index(BY_PATH, by_path)
        return cls(
            cluster_client=context.cluster_client,
            clock=context.clock,
            workspaces_gvr=WORKSPACE.gvr,
            workspaces=context.informers.informer(workspaces),
            workspace_types=context.informers.informer(types),
            logical_clusters=logical_clusters,
        )

    def path_of(self, cluster: str) -> str:
        """Canonical path of a logical cluster, or its name when it has none."""
        found = self.logical_clusters.get(objects.make_key(cluster, "", LOGICAL_CLUSTER_NAME))
        return objects.annotations(found).get(PATH_ANNOTATION, cluster) if found is not None else cluster

    def find(self, path: str) -> str | None:
        """Name of the logical cluster at a path."""
        for found in self.logical_clusters.by_index(BY_PATH, path):
            return objects.cluster_name(found)
        known = objects.make_key(path, "", LOGICAL_CLUSTER_NAME)
        return path if known in self.logical_clusters else None

    async def resolve_type(self, path: str, name: str) -> ResolvedType:
        """A workspace type with all that it extends. Raises WorkspaceTypeError."""
        await self.workspace_types.wait_synced()
        await self.logical_clusters.wait_synced()

        def get(cluster: str, type_name: str) -> Object | None:
            return self.workspace_types.get(objects.make_key(cluster, "", type_name))

        return TypeResolver(get, self.find, self.path_of).resolve(TypeReference(path, name))

    async def shards(self) -> Sequence[Object]:
        """All shards, as they are now."""
        items, _ = await self.cluster_client.cluster(ROOT).resource(SHARD.gvr).list_all()
        return items

    async def shard(self, name: str) -> Object:
        return await self.cluster_client.cluster(ROOT).resource(SHARD.gvr).get(name)
