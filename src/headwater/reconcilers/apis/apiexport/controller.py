"""Watches APIExports: identity secret, identity hash, and the endpoint slice that carries the export's name."""

from __future__ import annotations

from typing import Final

from headwater.apis.apis.v1alpha1.apiexportendpointslice import API_EXPORT_ENDPOINT_SLICE
from headwater.apis.apis.v1alpha2.apiexport import (
    API_EXPORT,
    CONDITION_IDENTITY_VALID,
    IDENTITY_NAMESPACE,
    SKIP_ENDPOINT_SLICE_ANNOTATION,
)
from headwater.client.dynamic import Client
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller, Freshness, Result
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import conditions, objects
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object
from headwater.reconcilers.apis.apiexport import step_identity
from headwater.reconcilers.interface import ControllerContext

CONTROLLER_NAME: Final = "apiexport"
SECRETS: Final = GroupVersionResource("", "v1", "secrets")
NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
_RETRY_SECONDS: Final = 5.0


class APIExportController:
    """Reconciles APIExports."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._clusters = context.cluster_client
        self._exports: Informer = context.informers.informer(API_EXPORT.gvr)
        self._slices: Informer = context.informers.informer(API_EXPORT_ENDPOINT_SLICE.gvr)
        self._committer = Committer.of(context.cluster_client, API_EXPORT.gvr)
        self._freshness = Freshness()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=context.clock)
        enqueue_objects(self._exports, self.controller)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._exports.wait_synced()
        await self._slices.wait_synced()
        await self.controller.run()

    async def reconcile(self, key: str) -> Result | None:
        export = self._exports.get(key)
        if self._freshness.is_stale(key, export) or export is None or objects.deletion_timestamp(export):
            return None
        client = self._clusters.cluster(objects.cluster_name(export))
        namespace, name = step_identity.secret_reference(export)
        wanted = objects.deep_copy(export)
        if not name:
            namespace, name = IDENTITY_NAMESPACE, objects.name(export)
            await self._make_secret(client, name)
            step_identity.refer_to_secret(wanted, namespace, name)
            self._freshness.wrote(key, await self._committer.commit(export, wanted))
            return None
        secret = await _get_or_none(client, namespace, name)
        step_identity.record_identity(wanted, secret, self._clock.now())
        self._freshness.wrote(key, await self._committer.commit(export, wanted))
        await self._make_slice(client, key, export)
        valid = conditions.is_true(wanted, CONDITION_IDENTITY_VALID)
        return None if valid else Result(requeue_after_seconds=_RETRY_SECONDS)

    async def _make_secret(self, client: Client, name: str) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": IDENTITY_NAMESPACE}}
        secret = step_identity.identity_secret(name, step_identity.new_identity_key())
        try:
            await client.resource(NAMESPACES).create(namespace)
        except AlreadyExists:
            pass
        try:
            await client.resource(SECRETS, IDENTITY_NAMESPACE).create(secret)
        except AlreadyExists:
            pass

    async def _make_slice(self, client: Client, key: str, export: Object) -> None:
        if key in self._slices or SKIP_ENDPOINT_SLICE_ANNOTATION in objects.annotations(export):
            return
        path = objects.annotations(export).get(PATH_ANNOTATION) or objects.cluster_name(export)
        name = objects.name(export)
        slice_ = {
            "apiVersion": API_EXPORT_ENDPOINT_SLICE.api_version,
            "kind": API_EXPORT_ENDPOINT_SLICE.kind,
            "metadata": {
                "name": name,
                "ownerReferences": [
                    {
                        "apiVersion": API_EXPORT.api_version,
                        "kind": API_EXPORT.kind,
                        "name": name,
                        "uid": objects.uid(export),
                    }
                ],
            },
            "spec": {"export": {"path": path, "name": name}},
        }
        try:
            await client.resource(API_EXPORT_ENDPOINT_SLICE.gvr).create(slice_)
        except AlreadyExists:
            pass


async def _get_or_none(client: Client, namespace: str, name: str) -> Object | None:
    try:
        return await client.resource(SECRETS, namespace).get(name)
    except NotFound:
        return None
