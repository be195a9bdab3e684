"""Watches LogicalClusters: settles their phase, and empties those that are being deleted."""

from __future__ import annotations

from typing import Final

from headwater.apis.core.v1alpha1.logicalcluster import DELETION_FINALIZER, LOGICAL_CLUSTER
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_DELETING
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller, Freshness, Patience, Result
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import objects
from headwater.machinery.objects import Object
from headwater.reconcilers.core.logicalcluster import step_content, step_phase
from headwater.reconcilers.interface import ControllerContext
from headwater.telemetry.logging import get_logger

CONTROLLER_NAME: Final = "logicalcluster"
WORKERS: Final = 8
log = get_logger(CONTROLLER_NAME)


class LogicalClusterController:
    """Reconciles LogicalClusters."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._clusters = context.cluster_client
        self._informer: Informer = context.informers.informer(LOGICAL_CLUSTER.gvr)
        self._committer = Committer.of(context.cluster_client, LOGICAL_CLUSTER.gvr)
        self._freshness = Freshness()
        self._patience = Patience()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=WORKERS, clock=context.clock)
        enqueue_objects(self._informer, self.controller)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._informer.wait_synced()
        await self.controller.run()

    async def reconcile(self, key: str) -> Result | None:
        logical_cluster = self._informer.get(key)
        if self._freshness.is_stale(key, logical_cluster):
            return None
        if logical_cluster is None:
            self._patience.forget(key)
            return None
        wanted = objects.deep_copy(logical_cluster)
        step_phase.settle_phase(wanted)
        if self._freshness.wrote(key, await self._committer.commit(logical_cluster, wanted)):
            return None
        step_phase.release_terminators(wanted)
        if self._freshness.wrote(key, await self._committer.commit(logical_cluster, wanted)):
            return None
        if objects.nested(logical_cluster, "status", "phase") != PHASE_DELETING:
            return None
        return await self._empty(key, logical_cluster)

    async def _empty(self, key: str, logical_cluster: Object) -> Result | None:
        if DELETION_FINALIZER not in objects.finalizers(logical_cluster):
            return None
        cluster = objects.cluster_name(logical_cluster)
        left = await step_content.delete_content(self._clusters.cluster(cluster))
        wanted = objects.deep_copy(logical_cluster)
        if left.total:
            step_content.record(wanted, left, self._clock.now())
            self._freshness.wrote(key, await self._committer.commit(logical_cluster, wanted))
            return self._patience.look_again(key)
        objects.remove_finalizer(wanted, DELETION_FINALIZER)
        await self._committer.commit(logical_cluster, wanted)
        log.info("logical cluster emptied", cluster=cluster)
        return None
