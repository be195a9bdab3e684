"""Watches APIBindings, APIExports and APIResourceSchemas, and keeps bindings bound to what their export offers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

from headwater.apis.apis.v1alpha1.apiresourceschema import API_RESOURCE_SCHEMA
from headwater.apis.apis.v1alpha2.apibinding import (
    API_BINDING,
    CONDITION_EXPORT_VALID,
    CONDITION_UP_TO_DATE,
    REASON_INVALID_REFERENCE,
    REASON_MISSING_IDENTITY,
    REASON_NAMING_CONFLICTS,
    REASON_NOT_FOUND,
    REASON_SCHEMA_INVALID,
)
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
from headwater.client.dynamic import Client
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller, Freshness
from headwater.controller.triggers import enqueue_objects
from headwater.machinery import objects
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.reconcilers.apis.apibinding import step_bind
from headwater.reconcilers.apis.apibinding.step_bind import SchemaFacts
from headwater.reconcilers.apis.apibinding.step_names import ResourceNames, first_conflict, names_of, names_of_crd
from headwater.reconcilers.fleet import BY_REFERENCE, by_reference
from headwater.reconcilers.interface import ControllerContext

CONTROLLER_NAME: Final = "apibinding"
BY_EXPORT: Final = "export"
WORKERS: Final = 8
CRDS: Final = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")


def by_export(binding: Object) -> Iterable[str]:
    """Index value: the export that a binding refers to, as `path|name`."""
    export = objects.nested(binding, "spec", "reference", "export", default={})
    return (f"{export.get('path') or objects.cluster_name(binding)}|{export.get('name', '')}",)


def schema_facts(schema: Object) -> Object:
    """Stored form of schemas in the informer: all that bindings need, without the schemas themselves."""
    spec = schema.get("spec") or {}
    versions = [{"name": each["name"], "storage": each.get("storage")} for each in spec.get("versions") or ()]
    meta = schema.get("metadata") or {}
    kept = {key: meta[key] for key in ("name", "uid", "resourceVersion", "annotations") if key in meta}
    return {"metadata": kept, "spec": {"group": spec.get("group"), "names": spec.get("names"), "versions": versions}}


class APIBindingController:
    """Reconciles APIBindings that aren't being deleted."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._clusters = context.cluster_client
        self._bindings: Informer = context.informers.informer(API_BINDING.gvr)
        self._exports: Informer = context.informers.informer(API_EXPORT.gvr)
        self._schemas: Informer = context.informers.informer(API_RESOURCE_SCHEMA.gvr, transform=schema_facts)
        self._committer = Committer.of(context.cluster_client, API_BINDING.gvr)
        self._freshness = Freshness()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._bindings.add_index(BY_EXPORT, by_export)
        self._exports.add_index(BY_REFERENCE, by_reference)
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=WORKERS, clock=context.clock)
        enqueue_objects(self._bindings, self.controller)
        self._exports.add_handler(self._on_export)
        self._schemas.add_handler(self._on_schema)

    async def run(self) -> None:
        """Work until cancelled."""
        for informer in (self._bindings, self._exports, self._schemas):
            await informer.wait_synced()
        await self.controller.run()

    def _on_export(self, _: str, old: Object | None, new: Object | None) -> None:
        for state in (old, new):
            if state is not None:
                self._enqueue_bindings(state)

    def _on_schema(self, _: str, old: Object | None, new: Object | None) -> None:
        if old is not None or new is None:
            return
        name, cluster = objects.name(new), objects.cluster_name(new)
        for export in self._exports.list():
            if objects.cluster_name(export) == cluster and name in _schema_names(export):
                self._enqueue_bindings(export)

    def _enqueue_bindings(self, export: Object) -> None:
        for reference in by_reference(export):
            for key in self._bindings.index_keys(BY_EXPORT, reference):
                self.controller.enqueue(key)

    async def reconcile(self, key: str) -> None:
        binding = self._bindings.get(key)
        stale = self._freshness.is_stale(key, binding)
        if stale or binding is None or objects.deletion_timestamp(binding):
            return
        wanted = objects.deep_copy(binding)
        found = self._exports.by_index(BY_REFERENCE, next(iter(by_export(binding))))
        if found:
            step_bind.copy_extra_annotations(wanted, found[0])
            if self._freshness.wrote(key, await self._committer.commit(binding, wanted)):
                return
        cluster = objects.cluster_name(binding)
        lock = self._locks.setdefault(cluster, asyncio.Lock())
        async with lock:  # names are taken one binding at a time
            wanted.setdefault("status", {})
            await self._bind(wanted, found[0] if found else None, self._clusters.cluster(cluster))
            self._freshness.wrote(key, await self._committer.commit(binding, wanted))

    async def _bind(self, binding: Object, export: Object | None, client: Client) -> None:
        now = self._clock.now()
        (reference,) = by_export(binding)
        shown = reference.replace("|", ":")
        if reference.endswith("|"):
            why = "no APIExport is referred to"
            step_bind.fail(binding, CONDITION_EXPORT_VALID, REASON_INVALID_REFERENCE, why, now)
            return
        if export is None:
            why = f"APIExport {shown} not found"
            step_bind.fail(binding, CONDITION_EXPORT_VALID, REASON_NOT_FOUND, why, now)
            return
        if not objects.nested(export, "status", "identityHash"):
            why = f"APIExport {shown} has no identity hash yet"
            step_bind.fail(binding, CONDITION_EXPORT_VALID, REASON_MISSING_IDENTITY, why, now)
            return
        schemas = [self._schema(export, name) for name in _schema_names(export)]
        present = [schema for schema in schemas if schema is not None]
        if len(present) < len(schemas):
            why = f"an APIResourceSchema of APIExport {shown} is missing"
            step_bind.fail(binding, CONDITION_UP_TO_DATE, REASON_SCHEMA_INVALID, why, now)
            return
        problem = "" if step_bind.is_bound_to(binding, present) else await self._conflict(binding, present, client)
        if problem:
            step_bind.fail(binding, CONDITION_UP_TO_DATE, REASON_NAMING_CONFLICTS, problem, now)
            return
        step_bind.bind(binding, export, present, now)

    def _schema(self, export: Object, name: str) -> SchemaFacts | None:
        found = self._schemas.get(objects.make_key(objects.cluster_name(export), "", name))
        if found is None:
            return None
        spec = found["spec"]
        storage = next((each["name"] for each in spec["versions"] if each.get("storage")), "")
        return SchemaFacts(name, objects.uid(found), spec["group"] or "", spec["names"], storage)

    async def _conflict(self, binding: Object, schemas: Iterable[SchemaFacts], client: Client) -> str:
        """The first name that something else in the logical cluster has, as it is now."""
        own = objects.name(binding)
        others, _ = await client.resource(API_BINDING.gvr).list_all()
        crds, _ = await client.resource(CRDS).list_all()
        taken = [names_of_crd(crd) for crd in crds]
        for other in others:
            if objects.name(other) != own:
                taken.extend(self._names_of_binding(other))
        wanted = [names_of(schema.group, schema.names, "") for schema in schemas]
        return first_conflict(wanted, taken)

    def _names_of_binding(self, binding: Object) -> Iterable[ResourceNames]:
        cluster = objects.nested(binding, "status", "apiExportClusterName", default="")
        owner = f"APIBinding {objects.name(binding)}"
        for bound in objects.nested(binding, "status", "boundResources", default=()):
            schema = self._schemas.get(objects.make_key(cluster, "", bound["schema"]["name"]))
            names = schema["spec"]["names"] if schema is not None else {"plural": bound["resource"]}
            yield names_of(bound.get("group") or "", names, owner)


def _schema_names(export: Object) -> list[str]:
    return [each["schema"] for each in objects.nested(export, "spec", "resources", default=())]
