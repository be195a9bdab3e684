"""Tells the garbage collector which resources there are, in any logical cluster, as they come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from headwater.apiserver.resources import ResourceInfo
from headwater.base.clock import Clock
from headwater.client.discovery import ServedResource
from headwater.client.informer import ResourceSet
from headwater.controlplane.binding.catalog import ControlPlaneCatalog
from headwater.machinery.gvk import GroupVersionResource
from headwater.storage.keys import NO_IDENTITY

_SETTLE_SECONDS = 0.2
_NOT_FOLLOWED = frozenset({("", "events"), ("events.k8s.io", "events")})


class ResourceFeed:
    """Follows the catalog. Changes that come together are passed on together."""

    def __init__(self, catalog: ControlPlaneCatalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._changed = asyncio.Event()
        catalog.add_listener(self._changed.set)

    async def run(self, resources: ResourceSet) -> None:
        """Pass changes on until cancelled."""
        while True:
            self._changed.clear()
            resources.sync(served(await self._catalog.everywhere()))
            await self._changed.wait()
            await self._clock.sleep(_SETTLE_SECONDS)


def served(infos: Iterable[ResourceInfo]) -> list[ServedResource]:
    """Each resource once, at its stored version, as wildcard requests address it."""
    found: dict[tuple[str, str, str], ServedResource] = {}
    for info in infos:
        if (info.group, info.resource) in _NOT_FOLLOWED or info.version != info.storage_version:
            continue
        name = info.resource if info.identity == NO_IDENTITY else f"{info.resource}:{info.identity}"
        gvr = GroupVersionResource(info.group, info.version, name)
        found[info.group, info.resource, info.identity] = ServedResource(
            gvr, info.kind, info.namespaced, frozenset(info.verbs), info.subresources, info.short_names
        )
    return list(found.values())
