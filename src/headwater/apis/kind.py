"""The description of one kind at one version, and the CRD and APIResourceSchema objects that follow from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from headwater.base import jsonio
from headwater.base.hashing import base36_sha224
from headwater.machinery.gvk import GroupVersion, GroupVersionKind, GroupVersionResource

Object = dict[str, Any]

APPROVED_ANNOTATION = "api-approved.kubernetes.io"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Where the scale subresource finds its numbers, as JSON paths like ``.spec.replicas``."""

    spec_replicas: str = ".spec.replicas"
    status_replicas: str = ".status.replicas"
    label_selector: str = ""

    def to_object(self) -> Object:
        out: Object = {"specReplicasPath": self.spec_replicas, "statusReplicasPath": self.status_replicas}
        if self.label_selector:
            out["labelSelectorPath"] = self.label_selector
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """One kind at one version.

    ``schema`` is the whole object's structural OpenAPI v3 schema (see ``markers.resource``). ``columns`` are
    ``additionalPrinterColumns`` entries and ``selectable_fields`` JSON paths, both as in a CRD. Of the versions of a
    kind exactly one has ``storage``. Two kinds are equal only if they are the same object.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    schema: Object
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("kcp",)
    namespaced: bool = False
    status_subresource: bool = True
    scale: Scale | None = None
    columns: tuple[Mapping[str, Any], ...] = ()
    selectable_fields: tuple[str, ...] = ()
    served: bool = True
    storage: bool = True
    deprecated: bool = False
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @cached_property
    def gvr(self) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, self.plural)

    @cached_property
    def gvk(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @cached_property
    def api_version(self) -> str:
        return GroupVersion(self.group, self.version).api_version

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def crd_name(self) -> str:
        """``<plural>.<group>``, with ``core`` for the core group, as in names of APIResourceSchemas."""
        return f"{self.plural}.{self.group or 'core'}"

    def names(self) -> Object:
        out: Object = {"plural": self.plural, "singular": self.singular, "kind": self.kind, "listKind": self.list_kind}
        if self.short_names:
            out["shortNames"] = list(self.short_names)
        if self.categories:
            out["categories"] = list(self.categories)
        return out

    def version_object(self, *, wrap_schema: bool) -> Object:
        """The entry of ``spec.versions`` of a CRD (``wrap_schema``) or of an APIResourceSchema."""
        out: Object = {"name": self.version, "served": self.served, "storage": self.storage}
        if self.deprecated:
            out["deprecated"] = True
        out["schema"] = {"openAPIV3Schema": self.schema} if wrap_schema else self.schema
        subresources: Object = {}
        if self.status_subresource:
            subresources["status"] = {}
        if self.scale is not None:
            subresources["scale"] = self.scale.to_object()
        if subresources:
            out["subresources"] = subresources
        if self.columns:
            out["additionalPrinterColumns"] = [dict(column) for column in self.columns]
        if self.selectable_fields:
            out["selectableFields"] = [{"jsonPath": path} for path in self.selectable_fields]
        return out

    def crd(self) -> Object:
        """The CustomResourceDefinition of this one version."""
        return crd_of([self])

    def api_resource_schema(self, prefix: str = "") -> Object:
        """The APIResourceSchema of this one version; without a prefix, one derived from the content."""
        return api_resource_schema_of([self], prefix)


def crd_of(versions: Sequence[Kind]) -> Object:
    """The CustomResourceDefinition of all versions of one kind; the first names it."""
    first = versions[0]
    metadata: Object = {"name": first.crd_name}
    if first.annotations:
        metadata["annotations"] = dict(first.annotations)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": first.group,
            "names": first.names(),
            "scope": _scope(first),
            "versions": [version.version_object(wrap_schema=True) for version in versions],
        },
    }


def api_resource_schema_of(versions: Sequence[Kind], prefix: str = "") -> Object:
    """The APIResourceSchema ``<prefix>.<plural>.<group|core>`` of all versions of one kind.

    APIResourceSchemas are immutable, so the default prefix is ``v`` and a hash of the spec: a changed schema gets a
    new name.
    """
    first, spec = versions[0], schema_spec_of(versions)
    prefix = prefix or f"v{base36_sha224(jsonio.dumps(spec))[:8]}"
    metadata: Object = {"name": f"{prefix}.{first.crd_name}"}
    if first.annotations:
        metadata["annotations"] = dict(first.annotations)
    return {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema", "metadata": metadata, "spec": spec}


def schema_spec_of(versions: Sequence[Kind]) -> Object:
    """The spec of the APIResourceSchema of all versions of one kind."""
    first = versions[0]
    spec: Object = {
        "group": first.group,
        "names": first.names(),
        "scope": _scope(first),
        "versions": [version.version_object(wrap_schema=False) for version in versions],
    }
    if len(versions) > 1:
        spec["conversion"] = {"strategy": "None"}
    return spec


def by_resource(kinds: Iterable[Kind]) -> list[list[Kind]]:
    """Gather kinds by group and plural, keeping the order in which they first occur."""
    grouped: dict[tuple[str, str], list[Kind]] = {}
    for kind in kinds:
        grouped.setdefault((kind.group, kind.plural), []).append(kind)
    return list(grouped.values())


def column(name: str, json_path: str, type_: str = "string", *, description: str = "", priority: int = 0) -> Object:
    """One ``additionalPrinterColumns`` entry."""
    out: Object = {"name": name, "type": type_, "jsonPath": json_path}
    if description:
        out["description"] = description
    if priority:
        out["priority"] = priority
    return out


AGE_COLUMN = column("Age", ".metadata.creationTimestamp", "date")


def _scope(kind: Kind) -> str:
    return "Namespaced" if kind.namespaced else "Cluster"
