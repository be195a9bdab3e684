"""Feeds the graph from the metadata of all resources, and has nodes looked at when owners go.

Option `resources`: the `ResourceSet` that the composition root keeps up to date.
"""

from __future__ import annotations

from typing import Final

from headwater.client.discovery import ServedResource
from headwater.client.informer import Handler, Informer, ResourceSet
from headwater.controller import Controller, Result
from headwater.machinery.objects import Object, cluster_name, uid
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.garbagecollector.graph import Graph, Node, node_key, node_of
from headwater.reconcilers.kube.garbagecollector.owners import Owners
from headwater.reconcilers.kube.garbagecollector.reconcile import Collector

CONTROLLER_NAME: Final = "kube-garbage-collector"
WORKERS: Final = 8
_UNKNOWN_OWNER_SECONDS: Final = 1.0
_NOT_SYNCED_SECONDS: Final = 2.0


class _Feed:
    """Keeps the graph current and enqueues what a change may have an effect on."""

    def __init__(self, graph: Graph, *, clustered: bool) -> None:
        self._graph = graph
        self._clustered = clustered
        self._handlers: dict[str, Handler] = {}
        self.controller: Controller

    def resource_added(self, resource: ServedResource, informer: Informer) -> None:
        def handle(_: str, old: Object | None, new: Object | None) -> None:
            if new is not None:
                self._changed(resource, new)
            elif old is not None:
                self._removed(old)

        self._handlers[informer.name] = handle
        informer.add_handler(handle)

    def resource_removed(self, resource: ServedResource, informer: Informer) -> None:
        """Objects of a resource that is served no more leave the graph; nothing is concluded from that."""
        handler = self._handlers.pop(informer.name, None)
        if handler is not None:
            informer.remove_handler(handler)
        for obj in informer.list():
            self._graph.remove(self._key(obj))

    def _changed(self, resource: ServedResource, obj: Object) -> None:
        key = self._key(obj)
        node = node_of(resource, obj, clustered=self._clustered)
        before = self._graph.put(key, node)
        if node.deleting and (node.foreground or node.orphaning):
            self.controller.enqueue(key)
        elif not node.deleting and any(not self._graph.is_present(owner, node) for owner in node.owners):
            # Most often the owner is there, and only its own event is late.
            self.controller.enqueue_after(key, _UNKNOWN_OWNER_SECONDS)
        elif before is not None and before.owners != node.owners:
            self.controller.enqueue(key)
        self._look_at_owners(before, node)

    def _removed(self, obj: Object) -> None:
        key = self._key(obj)
        before = self._graph.remove(key)
        for dependent in self._graph.dependents(key):
            self.controller.enqueue(dependent)
        self._look_at_owners(before, None)

    def _look_at_owners(self, before: Node | None, node: Node | None) -> None:
        """An owner that waits for its dependents may go on when one is gone or names it no more."""
        remaining = {owner.key for owner in node.owners} if node is not None else set()
        for owner in before.owners if before is not None else ():
            if owner.key not in remaining:
                self.controller.enqueue(owner.key)
        if node is not None:
            for owner in node.owners:
                waiting = self._graph.get(owner.key)
                if waiting is not None and waiting.deleting and waiting.foreground:
                    self.controller.enqueue(owner.key)

    def _key(self, obj: Object) -> str:
        return node_key(cluster_name(obj) if self._clustered else "", uid(obj))


def new_controller(context: ControllerContext) -> Controller:
    """Controller over all objects; the key is that of the object's node."""
    resources: ResourceSet = context.options["resources"]
    graph = Graph()
    feed = _Feed(graph, clustered=bool(context.informers.scope))
    owners = Owners(context.cluster_client, resources)

    async def reconcile(key: str) -> Result | None:
        node = graph.get(key)
        if node is not None and node.deleting and not resources.has_synced:
            # What depends on it may not be known yet.
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        await collector.reconcile(key)
        return None

    controller = Controller(
        CONTROLLER_NAME, reconcile=reconcile, workers=WORKERS, clock=context.clock, registry=context.registry
    )
    collector = Collector(graph, owners, context.cluster_client, controller.enqueue)
    feed.controller = controller
    resources.add_listener(feed)
    return controller
