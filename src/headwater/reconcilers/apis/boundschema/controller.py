"""Watches APIBindings and the copies; the key is the uid of a schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.apis.apis.v1alpha1.apiresourceschema import (
    API_RESOURCE_SCHEMA,
    BOUND_SCHEMAS_CLUSTER,
    SCHEMA_CLUSTER_ANNOTATION,
    SCHEMA_NAME_ANNOTATION,
)
from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.client.informer import Informer
from headwater.controller import Controller
from headwater.controller.triggers import enqueue_mapped
from headwater.machinery import objects
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.objects import Object
from headwater.reconcilers.apis.apibinding.controller import schema_facts
from headwater.reconcilers.interface import ControllerContext

CONTROLLER_NAME: Final = "boundschema"
BY_SCHEMA: Final = "schema"


def by_schema(binding: Object) -> Iterable[str]:
    """Index values: the uids of the schemas that a binding serves."""
    bound = objects.nested(binding, "status", "boundResources", default=())
    return sorted({each["schema"]["UID"] for each in bound})


class BoundSchemaController:
    """Copies schemas when they are first bound, and drops the copies that nobody uses any more."""

    def __init__(self, context: ControllerContext) -> None:
        self._clusters = context.cluster_client
        self._bindings: Informer = context.informers.informer(API_BINDING.gvr)
        self._schemas: Informer = context.informers.informer(API_RESOURCE_SCHEMA.gvr, transform=schema_facts)
        self._bindings.add_index(BY_SCHEMA, by_schema)
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=context.clock)
        enqueue_mapped(self._bindings, self.controller, by_schema)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._bindings.wait_synced()
        await self._schemas.wait_synced()
        await self.controller.run()

    async def reconcile(self, uid: str) -> None:
        users = self._bindings.by_index(BY_SCHEMA, uid)
        kept = objects.make_key(BOUND_SCHEMAS_CLUSTER, "", uid) in self._schemas
        copies = self._clusters.cluster(BOUND_SCHEMAS_CLUSTER).resource(API_RESOURCE_SCHEMA.gvr)
        if users and not kept:
            original = await self._original(users[0], uid)
            if original is not None:
                try:
                    await copies.create(copy_of(original))
                except AlreadyExists:
                    pass
        elif kept and not users:
            try:
                await copies.delete(uid)
            except NotFound:
                pass

    async def _original(self, binding: Object, uid: str) -> Object | None:
        """The schema as its provider has it; None when that is gone or another one already."""
        cluster = objects.nested(binding, "status", "apiExportClusterName", default="")
        bound = objects.nested(binding, "status", "boundResources", default=())
        name = next(each["schema"]["name"] for each in bound if each["schema"]["UID"] == uid)
        try:
            found = await self._clusters.cluster(cluster).resource(API_RESOURCE_SCHEMA.gvr).get(name)
        except NotFound:
            return None
        return found if objects.uid(found) == uid else None


def copy_of(schema: Object) -> Object:
    """The copy: named by the uid of the original, which it refers to.

    The empty entry in managedFields asks the server to keep none: nobody applies to a copy, and naming each field of a
    schema takes as much time and room as the schema.
    """
    return {
        "apiVersion": API_RESOURCE_SCHEMA.api_version,
        "kind": API_RESOURCE_SCHEMA.kind,
        "metadata": {
            "name": objects.uid(schema),
            "managedFields": [{}],
            "annotations": {
                SCHEMA_CLUSTER_ANNOTATION: objects.cluster_name(schema),
                SCHEMA_NAME_ANNOTATION: objects.name(schema),
            },
        },
        "spec": schema["spec"],
    }
