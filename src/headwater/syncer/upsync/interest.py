"""Which resources are followed upstream: a watch that shows nothing costs the control plane all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headwater.client.paths import WILDCARD
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.syncer.upstream import Shard, Upstream


class Interest:
    """Follows a resource in the upsyncer virtual workspaces once something of it is marked, or came up before.

    Most pclusters bring up nothing but pods, and there may be very many of them. What is followed once stays so.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._urls: Sequence[str] = ()
        self._wanted: Mapping[GroupResource, GroupVersionResource] = {}
        self._needed: set[GroupResource] = set()
        self._asked: set[tuple[str, GroupResource]] = set()

    async def follow(
        self,
        urls: Sequence[str],
        wanted: Mapping[GroupResource, GroupVersionResource],
        *,
        is_marked: Callable[[GroupResource], bool],
    ) -> None:
        """Follow what is needed of these. Raises StatusError and TransportError when that can't be known."""
        self._urls, self._wanted = tuple(urls), wanted
        self._needed.update(resource for resource in wanted if is_marked(resource))
        self._sync()
        for shard in self._upstream.shards:
            for resource, gvr in wanted.items():
                if resource not in self._needed and (shard.url, resource) not in self._asked:
                    found = await _has_any(shard, gvr)
                    if found is None:
                        continue
                    if found:
                        self.need(resource)
                    self._asked.add((shard.url, resource))

    def ask_again(self) -> None:
        """Ask again, at the next look, what came up before: the control plane is another than that which was asked."""
        self._asked.clear()

    def leave(self) -> None:
        """Follow nothing any more."""
        self._urls, self._wanted = (), {}
        self._sync()

    def need(self, resource: GroupResource) -> None:
        """Follow a resource from now on, if it is one that may come up."""
        if resource not in self._needed:
            self._needed.add(resource)
            self._sync()

    def _sync(self) -> None:
        self._upstream.sync(self._urls, {each: gvr for each, gvr in self._wanted.items() if each in self._needed})


async def _has_any(shard: Shard, gvr: GroupVersionResource) -> bool | None:
    """Whether something of a resource came up earlier; None where it isn't served, which may be so for a moment."""
    try:
        page = await shard.resource(gvr, WILDCARD, "").list(limit=1, metadata_only=True)
    except NotFound:
        return None
    return bool(page.get("items"))
