"""Who a syncer works for, and how work is named in its queues."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from headwater.apis.workload.labels import CLUSTER_LABEL, sync_target_key, syncer_finalizer
from headwater.apis.workload.locator import LocatorError, NamespaceLocator, parse_locator
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource


@dataclass(frozen=True, slots=True)
class DownstreamNamespace:
    """Name and marks of the downstream namespace of an upstream one."""

    name: str
    locator: str
    tenant: str


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """The SyncTarget: its logical cluster by name, its own name, its uid."""

    cluster: str
    name: str
    uid: str

    @property
    def key(self) -> str:
        """Sync target key."""
        return sync_target_key(self.cluster, self.name)

    @property
    def finalizer(self) -> str:
        """Finalizer that holds upstream objects while there is a downstream copy."""
        return syncer_finalizer(self.key)

    @property
    def downstream_selector(self) -> str:
        """Label selector of everything downstream that is ours."""
        return f"{CLUSTER_LABEL}={self.key}"

    @lru_cache(maxsize=8192)  # noqa: B019 - one identity lives as long as the process
    def namespace_for(self, cluster: str, namespace: str) -> DownstreamNamespace:
        """The downstream namespace of an upstream one; kept, as its hashes cost more than all else in a pass."""
        locator = self.locator(cluster, namespace)
        return DownstreamNamespace(locator.downstream_namespace(), locator.to_json(), locator.tenant_id())

    @lru_cache(maxsize=8192)  # noqa: B019 - as above
    def origin(self, cluster: str, namespace: str) -> str:
        """Short name for what is made for an upstream namespace, or for a workspace with an empty one.

        A SyncTarget that takes the place of one of its name has the same, as it may adopt what that one made.
        """
        return NamespaceLocator(self.cluster, self.name, "", cluster, namespace).downstream_namespace()

    def locator(self, cluster: str, namespace: str) -> NamespaceLocator:
        """Locator of an upstream namespace, or of cluster-scoped objects of a workspace with an empty one."""
        return NamespaceLocator(self.cluster, self.name, self.uid, cluster, namespace)

    def own_locator(self, text: str | None) -> NamespaceLocator | None:
        """The locator in an annotation if it is one of this SyncTarget, same uid included."""
        if not text:
            return None
        try:
            locator = parse_locator(text)
        except LocatorError:
            return None
        ours = (locator.sync_target_cluster, locator.sync_target_uid) == (self.cluster, self.uid)
        return locator if ours else None


@dataclass(frozen=True, slots=True)
class SyncedResource:
    """A resource that is synced, at the one version that both sides serve."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool

    @property
    def group_resource(self) -> GroupResource:
        """Name without the version, by which work is filed."""
        return GroupResource(self.group, self.resource)


def item_of(resource: GroupResource, key: str) -> str:
    """Queue key of one upstream object."""
    return f"{resource} {key}"


def parse_item(item: str) -> tuple[GroupResource, str]:
    """Resource and upstream object key of a queue key."""
    resource, _, key = item.partition(" ")
    return GroupResource.parse(resource), key


def says_object_is_absent(error: NotFound, resource: GroupResource, name: str) -> bool:
    """Whether a 404 is about this very object.

    A missing route, resource, workspace or SyncTarget answers 404 as well, and says nothing about the object.
    """
    details = error.details or {}
    return details.get("name") == name and details.get("kind") == resource.resource
