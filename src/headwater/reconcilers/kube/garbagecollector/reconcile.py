"""Decides and acts for one object: delete it, free it of absent owners, or see its own deletion through."""

from __future__ import annotations

from collections.abc import Callable

from headwater.apis.workload.labels import SYNCER_FINALIZER_PREFIX
from headwater.client.dynamic import ClusterClient
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    Object,
    finalizers,
    name,
    owner_references,
    resource_version,
    uid,
)
from headwater.reconcilers.kube.garbagecollector.graph import Graph, Node, Owner
from headwater.reconcilers.kube.garbagecollector.owners import Owners, OwnerState, without_identity


class Collector:
    """Works on one node after the other. ``enqueue`` has another node looked at."""

    def __init__(
        self, graph: Graph, owners: Owners, cluster_client: ClusterClient, enqueue: Callable[[str], None]
    ) -> None:
        self._graph = graph
        self._owners = owners
        self._cluster_client = cluster_client
        self._enqueue = enqueue

    async def reconcile(self, key: str) -> None:
        """One pass over a node. Raises StatusError and TransportError; NotFound means that it was done already."""
        node = self._graph.get(key)
        if node is None:
            return
        try:
            if node.deleting:
                if node.orphaning:
                    await self._orphan_dependents(key, node)
                elif node.foreground:
                    await self._delete_dependents(key, node)
            elif node.owners:
                await self._judge(key, node)
        except NotFound:
            return

    async def _judge(self, key: str, node: Node) -> None:
        """Delete an object without a solid owner; free it of the others if it has one."""
        gone: list[str] = []
        waiting: list[str] = []
        solid = False
        for owner in node.owners:
            state = await self._state(owner, node)
            if state is OwnerState.ABSENT:
                gone.append(owner.uid)
            elif state is OwnerState.WAITING:
                waiting.append(owner.uid)
            else:
                solid = True
        if not gone and not waiting:
            return
        if solid:
            await self._drop_owners(node, {*gone, *waiting})
            return
        policy = "Foreground" if waiting and self._graph.dependents(key) else "Background"
        await self._delete(node, policy)

    async def _state(self, owner: Owner, node: Node) -> OwnerState:
        """An owner that was seen is believed until its deletion is seen; one that wasn't is looked up live."""
        if not self._graph.is_present(owner, node):
            return await self._owners.state(owner, node)
        known = self._graph.get(owner.key)
        if known is not None and known.deleting and known.foreground:
            return OwnerState.WAITING
        return OwnerState.SOLID

    async def _delete(self, node: Node, policy: str) -> None:
        """Delete exactly what was judged: the same object, with the owners that it has now."""
        client = self._client(node)
        live = await client.get(node.name)
        if uid(live) != node.uid:
            return
        if _owner_uids(live) != {owner.uid for owner in node.owners}:
            return  # Its change is on the way here.
        if ORPHAN_FINALIZER in finalizers(live):
            policy = "Orphan"
        elif FOREGROUND_FINALIZER in finalizers(live):
            policy = "Foreground"
        await client.delete(node.name, uid=node.uid, resource_version=resource_version(live), propagation_policy=policy)

    async def _delete_dependents(self, key: str, node: Node) -> None:
        """Foreground: let the owner go once no dependent that blocks it is left."""
        blocking = 0
        for dependent_key in self._graph.dependents(key):
            dependent = self._graph.get(dependent_key)
            if dependent is None:
                continue
            if not dependent.deleting:
                self._enqueue(dependent_key)
            blocking += any(owner.key == key and owner.blocks for owner in dependent.owners)
        if not blocking:
            await self._drop_finalizer(node, FOREGROUND_FINALIZER)

    async def _orphan_dependents(self, key: str, node: Node) -> None:
        """Orphan: free all dependents of the owner, then let it go."""
        for dependent_key in self._graph.dependents(key):
            dependent = self._graph.get(dependent_key)
            if dependent is not None:
                try:
                    await self._drop_owners(dependent, {node.uid})
                except NotFound:
                    continue
        await self._drop_finalizer(node, ORPHAN_FINALIZER)

    async def _drop_owners(self, node: Node, uids: set[str]) -> None:
        client = self._client(node)
        live = await client.get(node.name)
        kept = [reference for reference in owner_references(live) if reference.get("uid") not in uids]
        if uid(live) == node.uid and len(kept) != len(owner_references(live)):
            await self._patch(client, live, {"ownerReferences": kept or None})

    async def _drop_finalizer(self, node: Node, finalizer: str) -> None:
        """Have done with an object's dependents here.

        While syncers hold it they have still to read how its copies are to be deleted; their letting go is an event.
        """
        client = self._client(node)
        live = await client.get(node.name)
        if any(held.startswith(SYNCER_FINALIZER_PREFIX) for held in finalizers(live)):
            return
        kept = [held for held in finalizers(live) if held != finalizer]
        if uid(live) == node.uid and len(kept) != len(finalizers(live)):
            await self._patch(client, live, {"finalizers": kept or None})

    async def _patch(self, client: ResourceClient, live: Object, change: Object) -> None:
        preconditions = {"uid": uid(live), "resourceVersion": resource_version(live)}
        await client.patch(name(live), {"metadata": {**change, **preconditions}})

    def _client(self, node: Node) -> ResourceClient:
        resource = without_identity(node.resource.gvr)
        return self._cluster_client.cluster(node.cluster).resource(resource, node.namespace)


def _owner_uids(obj: Object) -> set[str]:
    return {str(reference.get("uid", "")) for reference in owner_references(obj)}
