"""A stage at work: a controller that asks a pure plan what to do with one object, and applies it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.client.informer import InformerFactory
from headwater.controller import Controller, Result
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, controller_of, namespace
from headwater.sim.apply import Applier
from headwater.sim.changes import Plan
from headwater.sim.stages.ownership import BY_OWNER, by_owner
from headwater.sim.view import View

_SETTLE_SECONDS = 0.01
"""Several changes of what an object owns come together (created, bound, running); one look at them all is enough."""

Planner = Callable[[Object, datetime], Plan]


@dataclass(slots=True)
class Workbench:
    """What stages share: one view for each resource, and the way to write."""

    client: Client
    informers: InformerFactory
    clock: Clock
    views: dict[GroupVersionResource, View] = field(default_factory=dict)
    applier: Applier = field(init=False)

    def __post_init__(self) -> None:
        self.applier = Applier(self.client, self.views, clock=self.clock)

    def view(self, gvr: GroupVersionResource) -> View:
        """The view of a resource."""
        if gvr not in self.views:
            self.views[gvr] = View(self.informers.informer(gvr), clock=self.clock)
        return self.views[gvr]

    def owned_view(self, gvr: GroupVersionResource) -> View:
        """The view of a resource whose objects are asked for by owner."""
        view = self.view(gvr)
        view.add_index(BY_OWNER, by_owner)
        return view


class Stage:
    """Plans and applies for each object of one resource, whenever it or something it depends on changes."""

    def __init__(
        self, bench: Workbench, gvr: GroupVersionResource, planner: Planner, *, name: str = "", workers: int = 2
    ) -> None:
        self.view = bench.view(gvr)
        self._bench = bench
        self._planner = planner
        self.controller = Controller(
            f"sim-{name or gvr.resource}", reconcile=self._reconcile, workers=workers, clock=bench.clock
        )
        self.view.informer.add_handler(self._on_change)

    def enqueue_owners(self, gvr: GroupVersionResource, kind: str) -> None:
        """Also look at an object when one changes that it controls."""

        def on_change(_type: str, old: Object | None, new: Object | None) -> None:
            for obj in (old, new):
                owner = controller_of(obj) if obj is not None else None
                if obj is not None and owner is not None and owner.get("kind") == kind:
                    self.controller.enqueue_after(f"{namespace(obj)}/{owner.get('name')}", _SETTLE_SECONDS)

        self._bench.view(gvr).informer.add_handler(on_change)

    def enqueue_mapped(self, gvr: GroupVersionResource, keys_of: Callable[[Object], Iterable[str]]) -> None:
        """Also look at the objects with these keys when an object of another resource changes."""

        def on_change(_type: str, old: Object | None, new: Object | None) -> None:
            for obj in (old, new):
                for key in keys_of(obj) if obj is not None else ():
                    self.controller.enqueue(key)

        self._bench.view(gvr).informer.add_handler(on_change)

    def _on_change(self, _type: str, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        if obj is not None:
            self.controller.enqueue(self.view.informer.key_of(obj))

    async def _reconcile(self, key: str) -> Result | None:
        obj = self.view.get(key)
        if obj is None:
            return None
        plan = self._planner(obj, self._bench.clock.now())
        await self._bench.applier.apply(plan.changes)
        return Result(requeue_after_seconds=plan.again_in_seconds)
