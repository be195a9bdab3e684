"""From a CustomResourceDefinition to what is served: one ResourceInfo for each served version."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType

from headwater.apiserver.builtin.kinds import builtin_resource
from headwater.apiserver.resources import STANDARD_VERBS, ResourceInfo, ScalePaths
from headwater.base import jsonio
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object
from headwater.schema import compile_schema

_TERMINATING_VERBS = tuple(verb for verb in STANDARD_VERBS if verb != "create")

Versions = Mapping[str, ResourceInfo]


def content_hash(crd: Object) -> bytes:
    """Equal for CRDs that serve the same."""
    return blake2b(jsonio.dumps([crd["spec"], _is_terminating(crd)]), digest_size=16).digest()


def compile_definition(crd: Object) -> Versions:
    """The served versions of a CRD. A CRD that is being deleted takes no new objects."""
    spec = crd["spec"]
    verbs = _TERMINATING_VERBS if _is_terminating(crd) else STANDARD_VERBS
    served = tuple(version["name"] for version in spec["versions"] if version.get("served"))
    storage = next(version["name"] for version in spec["versions"] if version.get("storage"))
    fingerprint = content_hash(crd).hex()
    return MappingProxyType(
        {
            version["name"]: _version(spec, version, verbs, served, storage, fingerprint)
            for version in spec["versions"]
            if version.get("served")
        }
    )


def _version(
    spec: Object, version: Object, verbs: tuple[str, ...], served: tuple[str, ...], storage: str, fingerprint: str
) -> ResourceInfo:
    group, names = spec["group"], spec["names"]
    schema = version["schema"]["openAPIV3Schema"]
    subresources = version.get("subresources") or {}
    native = builtin_resource(GroupVersionKind(group, version["name"], names["kind"]))
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
        verbs=verbs,
        schema=compile_schema(schema),
        raw_schema=schema,
        subresources=frozenset(name for name in ("status", "scale") if name in subresources),
        scale=_scale(subresources.get("scale")),
        columns=version.get("additionalPrinterColumns") or None,
        selectable_fields=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        native_merge=native is not None,
        patch_schema=native.raw_schema if native is not None else None,
        versions=served,
        storage_version=storage,
        deprecation_warning=warning,
        fingerprint=fingerprint,
    )


def _is_terminating(crd: Object) -> bool:
    return bool(crd["metadata"].get("deletionTimestamp"))


def _scale(paths: Object | None) -> ScalePaths | None:
    if paths is None:
        return None
    return ScalePaths(paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath") or "")
