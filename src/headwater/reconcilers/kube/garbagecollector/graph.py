"""Who owns whom: one index over the metadata of all objects, keyed by logical cluster and uid (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.client.discovery import ServedResource
from headwater.machinery.objects import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    Object,
    cluster_name,
    deletion_timestamp,
    finalizers,
    name,
    namespace,
    owner_references,
    uid,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner reference. ``key`` is that of the owner's node."""

    key: str
    uid: str
    api_version: str
    kind: str
    name: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Node:
    """What the collector has to know of one object."""

    resource: ServedResource
    cluster: str
    namespace: str
    name: str
    uid: str
    owners: tuple[Owner, ...]
    deleting: bool
    foreground: bool
    orphaning: bool

    @property
    def interesting(self) -> bool:
        """Whether the collector may have work with it; all others are kept as mere places."""
        return bool(self.owners) or (self.deleting and (self.foreground or self.orphaning))


def node_key(cluster: str, object_uid: str) -> str:
    """Key of a node. With the cluster in it, no reference can reach into another logical cluster."""
    return f"{cluster}|{object_uid}"


def node_of(resource: ServedResource, obj: Object, *, clustered: bool) -> Node:
    """The node of an object."""
    cluster = cluster_name(obj) if clustered else ""
    held = finalizers(obj)
    owners = tuple(
        Owner(
            node_key(cluster, str(reference.get("uid", ""))),
            str(reference.get("uid", "")),
            str(reference.get("apiVersion", "")),
            str(reference.get("kind", "")),
            str(reference.get("name", "")),
            bool(reference.get("blockOwnerDeletion")),
        )
        for reference in owner_references(obj)
    )
    return Node(
        resource=resource,
        cluster=cluster,
        namespace=namespace(obj),
        name=name(obj),
        uid=uid(obj),
        owners=owners,
        deleting=bool(deletion_timestamp(obj)),
        foreground=FOREGROUND_FINALIZER in held,
        orphaning=ORPHAN_FINALIZER in held,
    )


class Graph:
    """Nodes that matter, the place of every object, and the dependents of every owner."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._places: dict[str, str] = {}
        self._dependents: dict[str, dict[str, None]] = {}

    def get(self, key: str) -> Node | None:
        """The node of an object that has owners, or is being deleted with dependents to see to."""
        return self._nodes.get(key)

    def dependents(self, key: str) -> list[str]:
        """Keys of the nodes that name this one as an owner."""
        return list(self._dependents.get(key, ()))

    def is_present(self, owner: Owner, dependent: Node) -> bool:
        """Whether the owner was seen where the dependent's reference says it is."""
        place = self._places.get(owner.key)
        return place is not None and (not place or place == dependent.namespace)

    def put(self, key: str, node: Node) -> Node | None:
        """Take in an object as it is now; gives the node that it had."""
        before = self._nodes.pop(key, None)
        self._places[key] = node.namespace
        if before is not None:
            self._unlink(key, before)
        if node.interesting:
            self._nodes[key] = node
            for owner in node.owners:
                self._dependents.setdefault(owner.key, {})[key] = None
        return before

    def remove(self, key: str) -> Node | None:
        """Forget an object; gives the node that it had."""
        self._places.pop(key, None)
        before = self._nodes.pop(key, None)
        if before is not None:
            self._unlink(key, before)
        return before

    def _unlink(self, key: str, node: Node) -> None:
        for owner in node.owners:
            dependents = self._dependents.get(owner.key)
            if dependents is not None:
                dependents.pop(key, None)
                if not dependents:
                    del self._dependents[owner.key]
