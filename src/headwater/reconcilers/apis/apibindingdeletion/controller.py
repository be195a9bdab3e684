"""Watches APIBindings that are being deleted, and deletes the objects of their resources in their logical cluster."""

from __future__ import annotations

from typing import Final

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING, FINALIZER
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller, Patience, Result
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import objects
from headwater.reconcilers.apis.apibindingdeletion import step_objects
from headwater.reconcilers.interface import ControllerContext
from headwater.telemetry.logging import get_logger

CONTROLLER_NAME: Final = "apibindingdeletion"
WORKERS: Final = 4
log = get_logger(CONTROLLER_NAME)


class APIBindingDeletionController:
    """Reconciles APIBindings that carry our finalizer and a deletion mark."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._clusters = context.cluster_client
        self._bindings: Informer = context.informers.informer(API_BINDING.gvr)
        self._committer = Committer.of(context.cluster_client, API_BINDING.gvr)
        self._patience = Patience()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=WORKERS, clock=context.clock)
        enqueue_objects(
            self._bindings, self.controller, when=lambda _, new: new is None or bool(objects.deletion_timestamp(new))
        )

    async def run(self) -> None:
        """Work until cancelled."""
        await self._bindings.wait_synced()
        await self.controller.run()

    async def reconcile(self, key: str) -> Result | None:
        binding = self._bindings.get(key)
        if binding is None:
            self._patience.forget(key)
            return None
        if not objects.deletion_timestamp(binding) or FINALIZER not in objects.finalizers(binding):
            return None
        cluster = objects.cluster_name(binding)
        client = self._clusters.cluster(cluster)
        left = []
        for bound in objects.nested(binding, "status", "boundResources", default=()):
            left.extend(await step_objects.delete_objects(client, bound))
        wanted = objects.deep_copy(binding)
        if left:
            step_objects.record(wanted, left, self._clock.now())
            await self._committer.commit(binding, wanted)
            return self._patience.look_again(key)
        objects.remove_finalizer(wanted, FINALIZER)
        await self._committer.commit(binding, wanted)
        log.info("binding deleted", binding=key)
        return None
