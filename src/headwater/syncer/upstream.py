"""The upstream side: the syncer virtual workspaces of all shards, seen as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from headwater.base.clock import Clock
from headwater.base.hashing import base36_sha224
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.client.informer.indexes import BY_NAMESPACE, by_namespace, namespace_index_value
from headwater.client.interface import Transport
from headwater.client.paths import WILDCARD
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, resource_version, split_key
from headwater.machinery.revisions import counted
from headwater.syncer.identity import says_object_is_absent
from headwater.syncer.informers import Changed, InformerSet
from headwater.telemetry.logging import get_logger

USER_AGENT = "headwater-syncer"
_NAMESPACES = GroupVersionResource("", "v1", "namespaces")
log = get_logger("syncer.upstream")

TransportFor = Callable[[str], Transport]
"""Gives the transport to the server of a URL (scheme, host and port)."""


class ControlPlaneBehind(Exception):
    """A server is behind a resourceVersion that it had reached, so it says nothing about what is there."""


def is_same_version(old: Object | None, new: Object) -> bool:
    """Whether another state has the resourceVersion of the one before, as on a control plane that went back in time."""
    return old is not None and resource_version(old) == resource_version(new)


class Shard:
    """One virtual workspace URL: its client and its informers."""

    def __init__(self, url: str, *, transport_for: TransportFor, changed: Changed, clock: Clock) -> None:
        parts = urlsplit(url)
        self.url = url
        self.id = base36_sha224(url)[:16]
        """Tells the shard from others, also after a restart; no address, as it is noted on the pcluster."""
        self._client = ClusterClient(
            transport_for(f"{parts.scheme}://{parts.netloc}"), user_agent=USER_AGENT, base_path=parts.path
        )
        everything = self._client.cluster(WILDCARD)
        self.informers = InformerSet(
            "upstream",
            resource_client=everything.resource,
            changed=changed,
            clock=clock,
            clustered=True,
            indexers={BY_NAMESPACE: by_namespace},
        )

    def resource(self, gvr: GroupVersionResource, cluster: str, namespace: str) -> ResourceClient:
        """Client for objects of one workspace."""
        return self._client.cluster(cluster).resource(gvr, namespace)

    def shows(self, cluster: str) -> bool:
        """Whether namespaces of a workspace are in the view."""
        informer = self.informers.get(_NAMESPACES.group_resource)
        return informer is not None and bool(informer.index_keys(BY_NAMESPACE, namespace_index_value(cluster, "")))

    async def revision(self) -> int:
        """The resourceVersion that the server has reached; 0 when it doesn't say."""
        page = await self._client.cluster(WILDCARD).resource(_NAMESPACES).list(limit=1, metadata_only=True)
        return counted(str(resource_version(page))) or 0


class Upstream:
    """All shards. An object is looked for on each of them, as its workspace lives on exactly one."""

    def __init__(self, *, transport_for: TransportFor, changed: Changed, clock: Clock) -> None:
        self._transport_for = transport_for
        self._changed = changed
        self._clock = clock
        self._shards: dict[str, Shard] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wanted: Mapping[GroupResource, GroupVersionResource] = {}
        self._group: TaskGroup | None = None

    @property
    def shards(self) -> Sequence[Shard]:
        """The shards known now."""
        return list(self._shards.values())

    def sync(self, urls: Sequence[str], wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Follow these resources on these shards."""
        self._wanted = wanted
        for url in [url for url in self._shards if url not in urls]:
            del self._shards[url]
            task = self._tasks.pop(url, None)
            if task is not None:
                task.cancel()
        for url in urls:
            if url not in self._shards:
                shard = Shard(url, transport_for=self._transport_for, changed=self._changed, clock=self._clock)
                self._shards[url] = shard
                if self._group is not None:
                    self._tasks[url] = self._group.start(shard.informers.run(), name=url)
        for shard in self._shards.values():
            shard.informers.sync(wanted)

    def list_again(self) -> None:
        """List all anew: a control plane that went back in time may have come past what was known of it since."""
        for shard in self._shards.values():
            shard.informers.list_again()

    def synced(self, resource: GroupResource) -> bool:
        """Whether all shards have listed a resource."""
        return bool(self._shards) and all(shard.informers.synced(resource) for shard in self._shards.values())

    def errors(self) -> list[str]:
        """What keeps informers from being current."""
        return [error for shard in self._shards.values() for error in shard.informers.errors()]

    def get(self, resource: GroupResource, key: str) -> Object | None:
        """An object as it was last seen, not to be changed."""
        found = self._find(resource, key)
        return found[1] if found else None

    def count(self) -> int:
        """How many objects there are."""
        return sum(shard.informers.count() for shard in self.shards)

    def informers(self, resource: GroupResource) -> list[Informer]:
        """The informers of a resource, one for each shard."""
        found = (shard.informers.get(resource) for shard in self._shards.values())
        return [informer for informer in found if informer is not None]

    def resource(self, resource: GroupResource, key: str) -> ResourceClient:
        """Client for writes to an object that was seen. Raises LookupError if it wasn't."""
        found = self._find(resource, key)
        gvr = self._wanted.get(resource)
        if found is None or gvr is None:
            raise LookupError(f"{resource} {key} is not known upstream")
        cluster, namespace, _ = split_key(key)
        return found[0].resource(gvr, cluster, namespace)

    def shard_of(self, resource: GroupResource, key: str) -> str:
        """The id of the shard on which an object was seen; "" for one that wasn't."""
        found = self._find(resource, key)
        return found[0].id if found is not None else ""

    async def confirm_absent(
        self, resource: GroupResource, key: str, *, not_before: int = 0, shard_id: str = ""
    ) -> bool:
        """Whether it is said, live and to an authorised request, that this object is not ours (any more).

        That is for the shard ``shard_id`` to say, which had the object. When it is no more (or has another URL) it is
        for those that show something of the workspace, and when it isn't known for all. Raises StatusError or
        TransportError when that can't be known, and ControlPlaneBehind when the shard is behind the resourceVersion
        ``not_before``, as one restored from a backup is; each counts by itself, so of several that may have had the
        object all have to be. A resource that is no longer synced, or that isn't served, proves nothing.
        """
        gvr = self._wanted.get(resource)
        cluster, namespace, name = split_key(key)
        asked = [shard for shard in self._shards.values() if shard_id in ("", shard.id)]
        asked = asked or [shard for shard in self._shards.values() if shard.shows(cluster)]
        if gvr is None or not asked:
            return False
        for shard in asked:
            try:
                await shard.resource(gvr, cluster, namespace).get(name)
            except NotFound as error:
                if not says_object_is_absent(error, resource, name):
                    return False
            else:
                return False
        if not_before and max([await shard.revision() for shard in asked]) < not_before:
            urls = [shard.url for shard in asked]
            log.error("control plane is behind what it was, so absence proves nothing", urls=urls, object=key)
            raise ControlPlaneBehind
        return True

    async def run(self) -> None:
        """Run the informers of all shards until cancelled."""
        async with TaskGroup("upstream") as group:
            self._group = group
            try:
                for url, shard in self._shards.items():
                    self._tasks[url] = group.start(shard.informers.run(), name=url)
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    def _find(self, resource: GroupResource, key: str) -> tuple[Shard, Object] | None:
        for shard in self._shards.values():
            informer = shard.informers.get(resource)
            obj = informer.get(key) if informer is not None else None
            if obj is not None:
                return shard, obj
        return None
