"""Compiled resources of bound schemas, shared by all logical clusters that bind them, and bounded in number."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Mapping

from headwater.apis.apis.v1alpha1.apiresourceschema import BOUND_SCHEMAS_CLUSTER
from headwater.apiserver.resources import ResourceInfo
from headwater.controlplane.binding.bound import BoundResource
from headwater.controlplane.binding.infos import NativeLookup, infos_of_spec
from headwater.machinery import objects
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

MAX_SCHEMAS = 1024

GetSchema = Callable[[str, str], Object | None]
"""The APIResourceSchema of a logical cluster and name."""
IsOwnCopy = Callable[[BoundResource], GroupVersionKind | None]
"""The Kubernetes kind whose schema we published under this name ourselves: then the original serves, undecoded."""


class SchemaLibrary:
    """Answers the ResourceInfos of a bound resource by version.

    A schema that its provider removed or replaced is served from the copy that was kept of it.
    """

    def __init__(self, get_schema: GetSchema, native: NativeLookup, own_copy: IsOwnCopy) -> None:
        self._get_schema = get_schema
        self._native = native
        self._own_copy = own_copy
        self._compiled: OrderedDict[tuple[str, ...], Mapping[str, ResourceInfo]] = OrderedDict()

    def infos(self, bound: BoundResource) -> Mapping[str, ResourceInfo]:
        """Version to ResourceInfo; empty when the schema isn't there (any more)."""
        key = (bound.cluster, bound.schema, bound.uid, bound.identity)
        found = self._compiled.get(key)
        if found is not None:
            self._compiled.move_to_end(key)
            return found
        found = {info.version: info for info in self._compile(bound)}
        if found:
            self._compiled[key] = found
            if len(self._compiled) > MAX_SCHEMAS:
                self._compiled.popitem(last=False)
        return found

    def needs_uid(self, bound: BoundResource) -> bool:
        """Whether the schema has to be looked at to serve the resource."""
        return self._own_copy(bound) is None

    def _compile(self, bound: BoundResource) -> list[ResourceInfo]:
        gvk = self._own_copy(bound)
        builtin = self._native(gvk) if gvk is not None else None
        if builtin is not None:
            return [dataclasses.replace(builtin, identity=bound.identity, fingerprint=bound.schema)]
        schema = self._get_schema(bound.cluster, bound.schema)
        if schema is None or objects.uid(schema) != bound.uid:
            schema = self._get_schema(BOUND_SCHEMAS_CLUSTER, bound.uid)
        if schema is None:
            return []
        return infos_of_spec(schema["spec"], identity=bound.identity, fingerprint=bound.uid, native=self._native)
