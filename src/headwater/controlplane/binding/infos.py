"""From the spec of an APIResourceSchema to what the API server serves, one ResourceInfo for each served version."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from headwater.apis.kind import Kind, schema_spec_of
from headwater.apiserver.resources import Conversion, ResourceInfo, ScalePaths
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object
from headwater.schema import compile_schema

NativeLookup = Callable[[GroupVersionKind], ResourceInfo | None]
"""The built-in behaviour of a Kubernetes kind, None for other kinds."""


def infos_of_spec(
    spec: Object,
    *,
    identity: str,
    fingerprint: str,
    native: NativeLookup,
    conversions: dict[str, Conversion] | None = None,
) -> list[ResourceInfo]:
    """All served versions. Kinds that Kubernetes has keep their built-in behaviour, with the schema given here."""
    versions = [version for version in spec["versions"] if version.get("served")]
    names = tuple(version["name"] for version in versions)
    storage = next((version["name"] for version in spec["versions"] if version.get("storage")), "")
    return [
        _info(
            spec,
            version,
            identity=identity,
            fingerprint=fingerprint,
            native=native,
            served=names,
            storage=storage,
            conversion=(conversions or {}).get(version["name"]),
        )
        for version in versions
    ]


def infos_of_kind(versions: Sequence[Kind], conversions: dict[str, Conversion] | None = None) -> list[ResourceInfo]:
    """All served versions of a kind that is written in Python."""
    spec = schema_spec_of(versions)
    name = f"{versions[0].plural}.{versions[0].group}"
    return infos_of_spec(spec, identity="-", fingerprint=name, native=lambda _: None, conversions=conversions)


def _info(
    spec: Object,
    version: Object,
    *,
    identity: str,
    fingerprint: str,
    native: NativeLookup,
    served: tuple[str, ...],
    storage: str,
    conversion: Conversion | None,
) -> ResourceInfo:
    group, names, schema = spec.get("group") or "", spec["names"], version["schema"]
    builtin = native(GroupVersionKind(group, version["name"], names["kind"]))
    compiled = compile_schema(schema)
    if builtin is not None:
        return dataclasses.replace(
            builtin, identity=identity, schema=compiled, raw_schema=schema, fingerprint=fingerprint
        )
    subresources = version.get("subresources") or {}
    warning = version.get("deprecationWarning") or ""
    if version.get("deprecated") and not warning:
        warning = f"{group}/{version['name']} {names['kind']} is deprecated"
    return ResourceInfo(
        group=group,
        version=version["name"],
        resource=names["plural"],
        kind=names["kind"],
        namespaced=spec["scope"] == "Namespaced",
        list_kind=names.get("listKind") or "",
        singular=names.get("singular") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        identity=identity,
        schema=compiled,
        raw_schema=schema,
        subresources=frozenset(name for name in ("status", "scale") if name in subresources),
        scale=_scale(subresources.get("scale")),
        columns=version.get("additionalPrinterColumns") or None,
        selectable_fields=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        versions=served,
        storage_version=storage,
        conversion=conversion,
        deprecation_warning=warning,
        fingerprint=f"{fingerprint}/{version['name']}",
    )


def _scale(paths: Object | None) -> ScalePaths | None:
    if paths is None:
        return None
    return ScalePaths(paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath") or "")
