"""The catalog of builtin resources and of the CustomResourceDefinitions of each logical cluster."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from headwater.apiserver.builtin.kinds import definition_resource
from headwater.apiserver.builtin.strategies.customresourcedefinitions import is_established
from headwater.apiserver.catalog import StaticCatalog
from headwater.apiserver.customresources.compile import Versions, compile_definition, content_hash
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.gvk import version_priority
from headwater.machinery.objects import Object
from headwater.storage.watchcache import CachedObject, CacheSet

MAX_COMPILED = 2048
MAX_KNOWN = 65536


class CRDCatalog:
    """Serves `builtin`, CRDs themselves, and what the CRDs of the asked logical cluster define.

    Builtin resources win over CRDs. A CRD is compiled once for its content, whichever cluster it is in, and looked at
    again when it changes; what nobody asks for isn't compiled. The wildcard cluster serves what is builtin only.
    """

    def __init__(self, builtin: Iterable[ResourceInfo], caches: CacheSet) -> None:
        self._caches = caches
        self.definitions = definition_resource(self._definitions_in)
        self._static = StaticCatalog([*builtin, self.definitions])
        self._taken = frozenset((info.group, info.resource) for info in (*builtin, self.definitions))
        self._compiled: OrderedDict[bytes, Versions] = OrderedDict()
        self._known: OrderedDict[tuple[str, int], bytes | None] = OrderedDict()

    async def lookup(
        self, cluster: str, group: str, version: str, resource: str, identity: str | None = None
    ) -> ResourceInfo | None:
        found = await self._static.lookup(cluster, group, version, resource, identity)
        # What is built in has all versions that it has: another one would be a way around its rules to its objects.
        if found is not None or identity or (group, resource) in self._taken or cluster == "*":
            if found is self.definitions:
                await self._caches.cache(self.definitions.prefix)
            return found
        cache = await self._caches.cache(self.definitions.prefix)
        crd = cache.get(self.definitions.key(cluster, "", f"{resource}.{group}"))
        return None if crd is None else self._versions(crd).get(version)

    async def served(self, cluster: str) -> Sequence[ResourceInfo]:
        builtin = await self._static.served(cluster)
        if cluster == "*":
            return builtin
        await self._caches.cache(self.definitions.prefix)
        custom = [
            info
            for crd in self._cached(cluster)
            for info in sorted(self._versions(crd).values(), key=lambda i: version_priority(i.version))
            if (info.group, info.resource) not in self._taken
        ]
        return [*builtin, *custom]

    def fingerprint(self, cluster: str) -> str:
        digest = hashlib.sha224(self._static.fingerprint(cluster).encode())
        if cluster != "*":
            for crd in self._cached(cluster):
                digest.update(self._content(crd) or b"-")
        return digest.hexdigest()

    def _definitions_in(self, cluster: str) -> Iterable[Object]:
        return [crd.decoded for crd in self._cached(cluster)]

    def _cached(self, cluster: str) -> Sequence[CachedObject]:
        cache = self._caches.loaded(self.definitions.prefix)
        return () if cache is None else cache.list(self.definitions.cluster_prefix(cluster))

    def _content(self, crd: CachedObject) -> bytes | None:
        """The content hash of a CRD, None for one that isn't established."""
        key = (crd.key, crd.revision)
        if key in self._known:
            return self._known[key]
        decoded = crd.decoded
        content = content_hash(decoded) if is_established(decoded) else None
        self._known[key] = content
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return content

    def _versions(self, crd: CachedObject) -> Versions:
        content = self._content(crd)
        if content is None:
            return {}
        found = self._compiled.get(content)
        if found is None:
            found = self._compiled[content] = compile_definition(crd.decoded)
            if len(self._compiled) > MAX_COMPILED:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(content)
        return found
