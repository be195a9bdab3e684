"""Writes the objects that a control plane starts with: straight to the store, in one batch, and only what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headwater.apiserver.authz.bootstrap import AUTOUPDATE
from headwater.apiserver.registry.encoding import encode_stored
from headwater.base.clock import Clock
from headwater.base.ids import new_uid
from headwater.machinery import objects
from headwater.machinery.gvk import GroupVersion
from headwater.machinery.logicalcluster import CLUSTER_ANNOTATION, PATH_ANNOTATION
from headwater.machinery.timestamps import format_time
from headwater.storage.interface import Backend, KeyExists, RevisionMismatch
from headwater.storage.keys import NO_IDENTITY, build_key, resource_prefix
from headwater.storage.watchcache import CacheSet

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """An object that has to be there.

    ``create_only`` ones are left alone once they exist, and ``make`` is called only if they don't.
    """

    resource: str
    group: str
    cluster: str
    name: str
    make: Callable[[], Object]
    path: str = ""
    namespace: str = ""
    identity: str = NO_IDENTITY
    create_only: bool = False


def seed_of(
    obj: Object, resource: str, cluster: str, *, path: str = "", identity: str = NO_IDENTITY, create_only: bool = False
) -> Seed:
    """The seed of an object that is at hand."""
    return Seed(
        resource=resource,
        group=GroupVersion.parse(obj["apiVersion"]).group,
        cluster=cluster,
        name=objects.name(obj),
        namespace=objects.namespace(obj),
        make=lambda: obj,
        path=path,
        identity=identity,
        create_only=create_only,
    )


@dataclass(frozen=True, slots=True)
class _Write:
    key: str
    value: bytes
    expected: int


class Seeder:
    """Gathers what is missing or different with `plant`, and writes it with `flush`."""

    def __init__(self, backend: Backend, caches: CacheSet, clock: Clock) -> None:
        self._backend = backend
        self._caches = caches
        self._now = format_time(clock.now())
        self._writes: dict[str, _Write] = {}

    async def plant(self, seed: Seed) -> Object:
        """See to it that the object is there as wanted; answers it. Nothing is written before `flush`."""
        prefix = resource_prefix(seed.group, seed.resource, seed.identity)
        key = build_key(prefix, seed.cluster, seed.namespace, seed.name)
        cached = (await self._caches.cache(prefix)).get(key)
        if cached is None:
            wanted = self._complete(seed)
            expected = 0
        else:
            if seed.create_only:
                return cached.decoded
            merged = merge_wanted(cached.decoded, seed.make())
            if merged is None:
                return cached.decoded
            wanted, expected = merged, cached.revision
        self._writes[key] = _Write(key, encode_stored(dict(wanted)), expected)
        return wanted

    async def flush(self) -> int:
        """Write what was gathered, all at once; answers how many objects. Another writer's faster write is fine."""
        writes, self._writes = list(self._writes.values()), {}
        await asyncio.gather(*(self._write(write) for write in writes))
        return len(writes)

    async def _write(self, write: _Write) -> None:
        try:
            await self._backend.put(write.key, write.value, expected=write.expected)
        except (KeyExists, RevisionMismatch):
            pass

    def _complete(self, seed: Seed) -> Object:
        made = seed.make()
        metadata = {**made["metadata"]}
        metadata["uid"] = new_uid()
        metadata["creationTimestamp"] = self._now
        metadata["generation"] = 1
        annotations = {**(metadata.get("annotations") or {}), CLUSTER_ANNOTATION: seed.cluster}
        if seed.path:
            annotations[PATH_ANNOTATION] = seed.path
        metadata["annotations"] = annotations
        return {**made, "metadata": metadata}


def merge_wanted(present: Object, wanted: Object) -> Object | None:
    """The present object with what is wanted put into it; None when it says all that already. Status stays."""
    if objects.annotations(present).get(AUTOUPDATE) == "false":
        return None
    merged = {**present, **{key: value for key, value in wanted.items() if key not in ("metadata", "status")}}
    metadata = {**present["metadata"]}
    for field in ("labels", "annotations"):
        extra = wanted["metadata"].get(field)
        if extra:
            metadata[field] = {**(metadata.get(field) or {}), **extra}
    merged["metadata"] = metadata
    if merged == present:
        return None
    metadata["generation"] = int(metadata.get("generation") or 0) + 1
    return merged
