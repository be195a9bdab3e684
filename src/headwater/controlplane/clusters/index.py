"""An index of all logical clusters by name and by path, kept up to date by the watch cache of LogicalClusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from headwater.apis.core.v1alpha1.logicalcluster import INACTIVE_ANNOTATION, LEGACY_INACTIVE_ANNOTATION, TYPE_ANNOTATION
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_SCHEDULING, REQUIRED_GROUPS_ANNOTATION
from headwater.controlplane.clusters.names import is_single_name
from headwater.machinery import errors, objects
from headwater.machinery.gvk import GroupResource
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object
from headwater.machinery.watch import DELETED

if TYPE_CHECKING:
    from headwater.storage.watchcache import CachedObject, CacheEvent, WatchCache

WORKSPACES = GroupResource("tenancy.kcp.io", "workspaces")


class ClusterEntry(NamedTuple):
    """What requests need to know of a logical cluster. ``type`` is ``<path>:<name>`` of its WorkspaceType."""

    name: str
    path: str
    phase: str
    type: str
    required_groups: str
    inactive: bool
    deleting: bool


class ClusterIndex:
    """Resolves names and paths of logical clusters. One small tuple per logical cluster, no objects."""

    def __init__(self) -> None:
        self._by_name: dict[str, ClusterEntry] = {}
        self._by_path: dict[str, str] = {}
        self._listeners: list[Callable[[str, ClusterEntry | None], None]] = []

    def attach(self, cache: WatchCache, prefix: str) -> None:
        """Take in what the cache holds and follow it from there."""
        for cached in cache.list(prefix):
            self._put(cached)
        cache.add_listener(self._on_event)

    def add_listener(self, listener: Callable[[str, ClusterEntry | None], None]) -> None:
        """Call with the name and the new entry (None: gone) after each change of an entry."""
        self._listeners.append(listener)

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> ClusterEntry | None:
        """The logical cluster of this name."""
        return self._by_name.get(name)

    def path_of(self, name: str) -> str:
        """Canonical path of a logical cluster, or its name when it has none."""
        entry = self._by_name.get(name)
        return entry.path if entry is not None and entry.path else name

    def resolve(self, cluster: str) -> str:
        """The name of the logical cluster that a name, a path, or a name with a path below it stands for.

        A single name comes back as it is, whether it exists or not: authorization answers for those. Raises NotFound
        for a path that leads nowhere.
        """
        if is_single_name(cluster):
            return cluster
        name = self.find(cluster)
        if name is None:
            raise errors.not_found(WORKSPACES, cluster)
        return name

    def find(self, cluster: str) -> str | None:
        """Like ``resolve``, but None for what doesn't exist."""
        if is_single_name(cluster):
            return cluster if cluster in self._by_name else self._by_path.get(cluster)
        name = self._by_path.get(cluster)
        if name is None:
            first, _, rest = cluster.partition(":")
            entry = self._by_name.get(first)
            if entry is not None and entry.path:
                name = self._by_path.get(f"{entry.path}:{rest}")
        return name

    def _on_event(self, event: CacheEvent) -> None:
        if event.type == DELETED:
            self._drop(_cluster_of_key(event.object.key))
        else:
            self._put(event.object)

    def _put(self, cached: CachedObject) -> None:
        name = _cluster_of_key(cached.key)
        entry = entry_of(name, cached.decoded)
        before = self._by_name.get(name)
        if before == entry:
            return
        if before is not None and before.path != entry.path and self._by_path.get(before.path) == name:
            del self._by_path[before.path]
        self._by_name[name] = entry
        if entry.path:
            self._by_path[entry.path] = name
        for listener in self._listeners:
            listener(name, entry)

    def _drop(self, name: str) -> None:
        entry = self._by_name.pop(name, None)
        if entry is None:
            return
        if self._by_path.get(entry.path) == name:
            del self._by_path[entry.path]
        for listener in self._listeners:
            listener(name, None)


def entry_of(name: str, logical_cluster: Object) -> ClusterEntry:
    """The index entry of a LogicalCluster object."""
    annotations = objects.annotations(logical_cluster)
    inactive = annotations.get(INACTIVE_ANNOTATION) or annotations.get(LEGACY_INACTIVE_ANNOTATION)
    return ClusterEntry(
        name=name,
        path=annotations.get(PATH_ANNOTATION, ""),
        phase=objects.nested(logical_cluster, "status", "phase", default=PHASE_SCHEDULING),
        type=annotations.get(TYPE_ANNOTATION, ""),
        required_groups=annotations.get(REQUIRED_GROUPS_ANNOTATION, ""),
        inactive=inactive == "true",
        deleting=bool(objects.deletion_timestamp(logical_cluster)),
    )


def _cluster_of_key(key: str) -> str:
    return key.split("/", 5)[4]
