"""The informers of one side: one for each synced resource, coming and going with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final

from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.informer import IndexFunction, Informer
from headwater.client.informer.informer import Transform, drop_managed_fields
from headwater.client.informer.resting import rest
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object

AWAKE: Final = 512
"""A restart reads every object once or twice, soon after each other; so holding many for longer would spare nothing."""


def reconnect() -> Backoff:
    """How long a watch that was lost waits for its next try.

    All syncers lose a control plane that restarts in the same moment; so they come back over twice the time.
    """
    return Backoff(initial=0.5, factor=2.0, maximum=30.0, jitter=1.0)


Changed = Callable[[GroupResource, Object | None, Object | None], None]
"""Called with the resource, the old and the new state of an object."""


class InformerSet:
    """Informers by resource. What is no longer synced is forgotten, without an event for its objects."""

    def __init__(
        self,
        name: str,
        *,
        resource_client: Callable[[GroupVersionResource], ResourceClient],
        changed: Changed,
        clock: Clock,
        clustered: bool,
        label_selector: str = "",
        indexers: Mapping[str, IndexFunction] | None = None,
        transform: Callable[[GroupResource], Transform] = lambda _: drop_managed_fields,
    ) -> None:
        self._name = name
        self._resource_client = resource_client
        self._changed = changed
        self._clock = clock
        self._clustered = clustered
        self._label_selector = label_selector
        self._indexers = dict(indexers or {})
        self._transform = transform
        self._informers: dict[GroupResource, tuple[GroupVersionResource, Informer]] = {}
        self._tasks: dict[GroupResource, tuple[asyncio.Task[None], ...]] = {}
        self._group: TaskGroup | None = None
        self.listed: Callable[[GroupResource], None] = lambda _: None
        """Called when a resource was listed completely for the first time, after the events of that list."""

    @property
    def resources(self) -> Collection[GroupResource]:
        """What is followed now."""
        return self._informers.keys()

    def get(self, resource: GroupResource) -> Informer | None:
        """The informer of a resource."""
        found = self._informers.get(resource)
        return found[1] if found else None

    def version(self, resource: GroupResource) -> GroupVersionResource | None:
        """The version at which a resource is followed."""
        found = self._informers.get(resource)
        return found[0] if found else None

    def count(self) -> int:
        """How many objects are held."""
        return sum(len(informer) for _, informer in list(self._informers.values()))

    def synced(self, resource: GroupResource) -> bool:
        """Whether a resource is followed and was listed completely."""
        found = self._informers.get(resource)
        return found is not None and found[1].has_synced

    @property
    def all_synced(self) -> bool:
        """Whether resources are followed, and each was listed completely."""
        return bool(self._informers) and all(informer.has_synced for _, informer in self._informers.values())

    def errors(self) -> list[str]:
        """What keeps informers from being current."""
        return [
            f"{self._name} {resource}: {informer.last_error}"
            for resource, (_, informer) in self._informers.items()
            if informer.last_error
        ]

    def sync(self, wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Follow exactly these resources at these versions."""
        for resource, (gvr, _) in list(self._informers.items()):
            if wanted.get(resource) != gvr:
                self._stop(resource)
        for resource, gvr in wanted.items():
            if resource not in self._informers:
                self._start(resource, gvr)

    def list_again(self) -> None:
        """Have all informers list anew."""
        for resource in list(self.resources):
            informer = self.get(resource)
            if informer is not None:
                informer.list_again()

    async def run(self) -> None:
        """Run the informers until cancelled."""
        async with TaskGroup(f"{self._name} informers") as group:
            self._group = group
            try:
                for resource, (_, informer) in self._informers.items():
                    self._run(group, resource, informer)
                group.start(rest(lambda: [informer for _, informer in self._informers.values()], self._clock))
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    def _start(self, resource: GroupResource, gvr: GroupVersionResource) -> None:
        informer = Informer(
            self._resource_client(gvr),
            name=f"{self._name} {resource}",
            clustered=self._clustered,
            label_selector=self._label_selector,
            indexers=self._indexers,
            transform=self._transform(resource),
            clock=self._clock,
            backoff=reconnect(),
            awake=AWAKE,
        )
        informer.add_handler(lambda _, old, new: self._changed(resource, old, new))
        self._informers[resource] = (gvr, informer)
        if self._group is not None:
            self._run(self._group, resource, informer)

    def _run(self, group: TaskGroup, resource: GroupResource, informer: Informer) -> None:
        async def tell() -> None:
            await informer.wait_synced()
            self.listed(resource)

        self._tasks[resource] = (
            group.start(informer.run(), name=str(resource)),
            group.start(tell(), name=f"{resource} listed"),
        )

    def _stop(self, resource: GroupResource) -> None:
        del self._informers[resource]
        for task in self._tasks.pop(resource, ()):
            task.cancel()
