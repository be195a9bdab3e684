"""Watches Workspaces and LogicalClusters, and takes each Workspace one write further per pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apis.core.v1alpha1.logicalcluster import NAME as LOGICAL_CLUSTER_NAME
from headwater.apis.tenancy.v1alpha1.workspace import (
    CLUSTER_ANNOTATION,
    FINALIZER,
    PHASE_INITIALIZING,
    PHASE_READY,
    PHASE_SCHEDULING,
    SHARD_ANNOTATION,
)
from headwater.controller import Committer, Controller, Freshness, Result
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import objects
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.objects import Object
from headwater.reconcilers.tenancy.directory import CLUSTER_ROLE_BINDINGS, TenancyDirectory
from headwater.reconcilers.tenancy.workspace import step_mirror, step_schedule
from headwater.telemetry.logging import get_logger

CONTROLLER_NAME: Final = "workspace"
WORKERS: Final = 8
_DISAPPEARED_SECONDS: Final = 5.0
_SHARDS_SECONDS: Final = 10.0
log = get_logger(CONTROLLER_NAME)


def by_owner(logical_cluster: Object) -> Iterable[str]:
    """Key of the Workspace that owns a logical cluster."""
    owner = objects.nested(logical_cluster, "spec", "owner", default={})
    return (objects.make_key(owner["cluster"], "", owner["name"]),) if owner.get("name") else ()


class WorkspaceController:
    """Reconciles Workspaces: assignment, logical cluster, URL, phase; on deletion the other way round."""

    def __init__(self, directory: TenancyDirectory) -> None:
        self._directory = directory
        self._clusters = directory.cluster_client
        self._committer = Committer.of(directory.cluster_client, directory.workspaces_gvr)
        self._freshness = Freshness()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=WORKERS, clock=directory.clock)
        enqueue_objects(directory.workspaces, self.controller)
        directory.logical_clusters.add_handler(self._on_logical_cluster)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._directory.workspaces.wait_synced()
        await self._directory.logical_clusters.wait_synced()
        await self.controller.run()

    def _on_logical_cluster(self, _: str, old: Object | None, new: Object | None) -> None:
        for state in (old, new):
            if state is not None:
                for key in by_owner(state):
                    self.controller.enqueue(key)

    async def reconcile(self, key: str) -> Result | None:
        workspace = self._directory.workspaces.get(key)
        if self._freshness.is_stale(key, workspace) or workspace is None or objects.nested(workspace, "spec", "mount"):
            return None
        if objects.deletion_timestamp(workspace):
            return await self._delete(workspace)
        annotations = objects.annotations(workspace)
        if not annotations.get(CLUSTER_ANNOTATION) or not annotations.get(SHARD_ANNOTATION):
            return await self._assign(workspace)
        if not objects.nested(workspace, "spec", "cluster"):
            await self._create(workspace)
            return None
        return await self._follow(workspace)

    async def _assign(self, workspace: Object) -> Result | None:
        wanted = objects.deep_copy(workspace)
        shard = step_schedule.choose_shard(workspace, await self._directory.shards())
        if shard is None:
            step_schedule.unschedulable(wanted, self._directory.clock.now())
            await self._commit(workspace, wanted)
            return Result(requeue_after_seconds=_SHARDS_SECONDS)
        step_schedule.assign(wanted, shard, step_schedule.new_cluster_name())
        await self._commit(workspace, wanted)
        return None

    async def _create(self, workspace: Object) -> None:
        """Make the logical cluster with its owner's rights, set it going, and record it in the workspace."""
        cluster = objects.annotations(workspace)[CLUSTER_ANNOTATION]
        parent = self._directory.path_of(objects.cluster_name(workspace))
        path = step_schedule.canonical_path(parent, workspace)
        reference = objects.nested(workspace, "spec", "type", default={})
        resolved = await self._directory.resolve_type(reference.get("path", ""), reference.get("name", ""))
        wanted = step_schedule.logical_cluster_of(
            workspace, path=path, initializers=resolved.initializers(), terminators=resolved.terminators()
        )
        client = self._clusters.cluster(cluster)
        logical_clusters = client.resource(LOGICAL_CLUSTER.gvr)
        try:
            present = await logical_clusters.create(wanted)
        except AlreadyExists:
            present = await logical_clusters.get(LOGICAL_CLUSTER_NAME)
            if not step_schedule.is_owned(present, workspace):
                log.warning("logical cluster belongs to another workspace", workspace=path, cluster=cluster)
                await self._assign(workspace)
                return
        owner = step_schedule.owner_info(workspace).get("username", "")
        if owner:
            try:
                await client.resource(CLUSTER_ROLE_BINDINGS).create(step_schedule.owner_binding(owner))
            except AlreadyExists:
                pass
        shard = await self._directory.shard(objects.annotations(workspace)[SHARD_ANNOTATION])
        external = objects.nested(shard, "spec", "externalURL") or objects.nested(shard, "spec", "baseURL", default="")
        if objects.nested(present, "status", "phase", default=PHASE_SCHEDULING) == PHASE_SCHEDULING:
            status = {"status": {"phase": PHASE_INITIALIZING, "URL": f"{external}/clusters/{cluster}"}}
            await logical_clusters.patch_status(LOGICAL_CLUSTER_NAME, status)
        located = objects.deep_copy(workspace)
        step_schedule.locate(located, cluster=cluster, url=f"{external}/clusters/{path}")
        await self._commit(workspace, located)
        log.info("logical cluster created", workspace=path, cluster=cluster)

    async def _follow(self, workspace: Object) -> Result | None:
        """Mirror the logical cluster; once Ready, forget what of the owner isn't needed any more."""
        now = self._directory.clock.now()
        wanted = objects.deep_copy(workspace)
        phase = objects.nested(workspace, "status", "phase", default=PHASE_SCHEDULING)
        if phase == PHASE_SCHEDULING:
            step_schedule.mark_initializing(wanted, now)
        cluster = objects.nested(workspace, "spec", "cluster")
        logical_cluster = await self._logical_cluster(cluster)
        if logical_cluster is None:
            step_mirror.mark_disappeared(wanted, now)
            await self._commit(workspace, wanted)
            return Result(requeue_after_seconds=_DISAPPEARED_SECONDS)
        step_mirror.mirror(wanted, logical_cluster, now)
        if not await self._commit(workspace, wanted) and phase == PHASE_READY:
            trimmed = objects.deep_copy(workspace)
            if step_schedule.trim_owner(trimmed):
                await self._commit(workspace, trimmed)
        return None

    async def _delete(self, workspace: Object) -> Result | None:
        """Delete the logical cluster; the workspace goes when that is gone."""
        if FINALIZER not in objects.finalizers(workspace):
            return None
        cluster = objects.annotations(workspace).get(CLUSTER_ANNOTATION)
        wanted = objects.deep_copy(workspace)
        logical_cluster = await self._read(cluster) if cluster else None
        if logical_cluster is not None and cluster and step_schedule.is_owned(logical_cluster, workspace):
            if not objects.deletion_timestamp(logical_cluster):
                client = self._clusters.cluster(cluster).resource(LOGICAL_CLUSTER.gvr)
                await client.delete(LOGICAL_CLUSTER_NAME, uid=objects.uid(logical_cluster))
            step_mirror.mirror(wanted, logical_cluster, self._directory.clock.now())
            await self._commit(workspace, wanted)
            return Result(requeue_after_seconds=_DISAPPEARED_SECONDS)
        objects.remove_finalizer(wanted, FINALIZER)
        await self._commit(workspace, wanted)
        log.info("workspace deleted", workspace=objects.object_key(workspace), cluster=cluster)
        return None

    async def _commit(self, workspace: Object, wanted: Object) -> bool:
        """Write what changed; says whether anything did."""
        return self._freshness.wrote(objects.object_key(workspace), await self._committer.commit(workspace, wanted))

    async def _logical_cluster(self, cluster: str) -> Object | None:
        cached = self._directory.logical_clusters.get(objects.make_key(cluster, "", LOGICAL_CLUSTER_NAME))
        return cached if cached is not None else await self._read(cluster)

    async def _read(self, cluster: str) -> Object | None:
        """The logical cluster as it is now: only a live answer proves that it is gone."""
        try:
            return await self._clusters.cluster(cluster).resource(LOGICAL_CLUSTER.gvr).get(LOGICAL_CLUSTER_NAME)
        except NotFound:
            return None
