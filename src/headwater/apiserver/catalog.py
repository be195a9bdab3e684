"""Which resources a logical cluster serves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.gvk import GroupVersionResource


class Catalog(Protocol):
    """Answers what is served in a logical cluster; a plain server has one cluster, "local".

    `fingerprint` is a hash of the content of `served(cluster)`: documents derived from it are cached under it, so two
    clusters that serve the same things share them. It is asked after `served` of the same cluster.
    """

    async def lookup(
        self, cluster: str, group: str, version: str, resource: str, identity: str | None = None
    ) -> ResourceInfo | None: ...

    async def served(self, cluster: str) -> Sequence[ResourceInfo]: ...

    def fingerprint(self, cluster: str) -> str: ...


def fingerprint_of(infos: Iterable[ResourceInfo]) -> str:
    """Content hash of a set of resources: equal when all that clients can see of them is equal."""
    digest = hashlib.sha224()
    for info in sorted(infos, key=lambda i: (i.group, i.version, i.resource)):
        shape = (info.group, info.version, info.resource, info.kind, info.namespaced, info.verbs, info.short_names)
        rest = (info.categories, sorted(info.subresources), sorted(info.connect), info.versions, info.fingerprint)
        digest.update(repr((shape, rest)).encode())
    return digest.hexdigest()


class StaticCatalog:
    """The same resources in every logical cluster."""

    def __init__(self, infos: Iterable[ResourceInfo]) -> None:
        self._infos = tuple(infos)
        self._by_gvr: Mapping[GroupVersionResource, ResourceInfo] = {info.gvr: info for info in self._infos}
        self._fingerprint = fingerprint_of(self._infos)

    async def lookup(
        self, cluster: str, group: str, version: str, resource: str, identity: str | None = None
    ) -> ResourceInfo | None:
        if identity:
            return None
        return self._by_gvr.get(GroupVersionResource(group, version, resource))

    async def served(self, cluster: str) -> Sequence[ResourceInfo]:
        return self._infos

    def fingerprint(self, cluster: str) -> str:
        return self._fingerprint
