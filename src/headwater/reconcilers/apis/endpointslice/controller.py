"""Watches APIExportEndpointSlices and exports; no URL is published as long as no virtual workspace serves it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.apis.apis.v1alpha1.apiexportendpointslice import (
    API_EXPORT_ENDPOINT_SLICE,
    CONDITION_EXPORT_VALID,
    REASON_NOT_FOUND,
)
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import conditions, objects
from headwater.machinery.objects import Object
from headwater.reconcilers.fleet import BY_REFERENCE, by_reference
from headwater.reconcilers.interface import ControllerContext

CONTROLLER_NAME: Final = "apiexportendpointslice"
BY_EXPORT: Final = "export"


def by_export(slice_: Object) -> Iterable[str]:
    """Index value: the export that a slice names, as `path|name`."""
    export = objects.nested(slice_, "spec", "export", default={})
    return (f"{export.get('path') or objects.cluster_name(slice_)}|{export.get('name', '')}",)


class APIExportEndpointSliceController:
    """Reconciles APIExportEndpointSlices."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._slices: Informer = context.informers.informer(API_EXPORT_ENDPOINT_SLICE.gvr)
        self._exports: Informer = context.informers.informer(API_EXPORT.gvr)
        self._slices.add_index(BY_EXPORT, by_export)
        self._exports.add_index(BY_REFERENCE, by_reference)
        self._committer = Committer.of(context.cluster_client, API_EXPORT_ENDPOINT_SLICE.gvr)
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=context.clock)
        enqueue_objects(self._slices, self.controller)
        self._exports.add_handler(self._on_export)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._slices.wait_synced()
        await self._exports.wait_synced()
        await self.controller.run()

    def _on_export(self, _: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None:
            return
        for state in (old, new):
            for reference in by_reference(state) if state is not None else ():
                for key in self._slices.index_keys(BY_EXPORT, reference):
                    self.controller.enqueue(key)

    async def reconcile(self, key: str) -> None:
        slice_ = self._slices.get(key)
        if slice_ is None or objects.deletion_timestamp(slice_):
            return
        wanted = objects.deep_copy(slice_)
        now = self._clock.now()
        (reference,) = by_export(slice_)
        if self._exports.by_index(BY_REFERENCE, reference):
            conditions.mark_true(wanted, CONDITION_EXPORT_VALID, now)
        else:
            why = f"APIExport {reference.replace('|', ':')} not found"
            conditions.mark_false(wanted, CONDITION_EXPORT_VALID, REASON_NOT_FOUND, conditions.ERROR, why, now)
        await self._committer.commit(slice_, wanted)
