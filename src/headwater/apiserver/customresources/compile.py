"""From a CustomResourceDefinition to what is served: one ResourceInfo for each served version."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType

from headwater.apiserver.builtin.kinds import builtin_resource
from headwater.apiserver.customresources.versions import described_version
from headwater.apiserver.resources import STANDARD_VERBS, ResourceInfo
from headwater.base import jsonio
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

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
    native = builtin_resource(GroupVersionKind(spec["group"], version["name"], spec["names"]["kind"]))
    return dataclasses.replace(
        described_version(spec, version, version["schema"]["openAPIV3Schema"]),
        verbs=verbs,
        native_merge=native is not None,
        patch_schema=native.raw_schema if native is not None else None,
        versions=served,
        storage_version=storage,
        fingerprint=fingerprint,
    )


def _is_terminating(crd: Object) -> bool:
    return bool(crd["metadata"].get("deletionTimestamp"))
