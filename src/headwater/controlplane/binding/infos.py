"""From the spec of an APIResourceSchema to what the API server serves, one ResourceInfo for each served version."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from headwater.apis.kind import Kind, schema_spec_of
from headwater.apiserver.customresources.versions import described_version
from headwater.apiserver.resources import Conversion, ResourceInfo
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
    schema = version["schema"]
    builtin = native(GroupVersionKind(spec.get("group") or "", version["name"], spec["names"]["kind"]))
    if builtin is not None:
        compiled = compile_schema(schema)
        return dataclasses.replace(
            builtin, identity=identity, schema=compiled, raw_schema=schema, fingerprint=fingerprint
        )
    return dataclasses.replace(
        described_version(spec, version, schema),
        identity=identity,
        versions=served,
        storage_version=storage,
        conversion=conversion,
        fingerprint=f"{fingerprint}/{version['name']}",
    )
