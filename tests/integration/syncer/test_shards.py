"""What several shards, each with resourceVersions of its own, say of an object that is not in the view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.integration.servers import InProcessServer, config_map, eventually, namespace

from headwater.base.clock import SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.syncer.upstream import ControlPlaneBehind, Upstream

CONFIG_MAP = GroupResource("", "configmaps")
NAMESPACE = GroupResource("", "namespaces")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
KEY = "here|web/settings"


@dataclass
class Shards:
    """Two shards; `settings` is on the first, which is far ahead of the second."""

    upstream: Upstream
    maps: ResourceClient
    first: str
    second: str

    async def absent(self, shard_id: str, not_before: int) -> bool:
        return await self.upstream.confirm_absent(CONFIG_MAP, KEY, not_before=not_before, shard_id=shard_id)


@pytest.fixture
async def shards() -> AsyncIterator[Shards]:
    servers = {f"https://{each}": await InProcessServer.start(clusters=True) for each in ("first", "second")}
    upstream = Upstream(transport_for=lambda url: servers[url].transport, changed=lambda *_: None, clock=SystemClock())
    client = ClusterClient(servers["https://first"].transport).cluster("here")
    await client.resource(NAMESPACES).create(namespace("web"))
    maps = client.resource(CONFIG_MAPS, "web")
    for number in range(20):
        await maps.create(config_map(f"m{number}"))
    await maps.create(config_map("settings"))
    upstream.sync(list(servers), {NAMESPACE: NAMESPACES, CONFIG_MAP: CONFIG_MAPS})
    async with TaskGroup("upstream") as group:
        group.start(upstream.run(), name="upstream")

        async def seen() -> bool:
            return bool(upstream.shard_of(CONFIG_MAP, KEY) and upstream.shard_of(NAMESPACE, "here|web"))

        await eventually(seen)
        first, second = (shard.id for shard in upstream.shards)
        yield Shards(upstream, maps, first, second)
        group.cancel()


async def test_a_revision_is_compared_with_the_same_shards(shards: Shards) -> None:
    """The second shard is behind what the first had reached, which says nothing: it counts by itself."""
    assert shards.upstream.shard_of(CONFIG_MAP, KEY) == shards.first != shards.second
    assert not await shards.absent(shards.first, 1), "it is there"
    reached = int((await shards.maps.get("settings"))["metadata"]["resourceVersion"])
    await shards.maps.delete("settings")
    assert await shards.absent(shards.first, reached)
    with pytest.raises(ControlPlaneBehind):
        await shards.absent(shards.first, reached + 1000)
    with pytest.raises(ControlPlaneBehind):
        await shards.absent(shards.second, reached)


@pytest.mark.parametrize("shard_id", ["", "of-another-url"])
async def test_of_an_unknown_shard_all_that_may_have_it_are_asked(shards: Shards, shard_id: str) -> None:
    """Copies of earlier versions don't say theirs, and a server may have got another address."""
    reached = int((await shards.maps.get("settings"))["metadata"]["resourceVersion"])
    assert not await shards.absent(shard_id, 1), "one of them has it"
    await shards.maps.delete("settings")
    assert await shards.absent(shard_id, reached)
    with pytest.raises(ControlPlaneBehind):
        await shards.absent(shard_id, reached + 1000)


async def test_what_a_shard_had_that_is_not_listed_is_not_for_others_to_say(shards: Shards) -> None:
    """A shard that drops out of the SyncTarget's list, if only for a moment, takes none of its objects along."""
    shards.upstream.sync(["https://second"], {NAMESPACE: NAMESPACES, CONFIG_MAP: CONFIG_MAPS})
    assert not await shards.absent(shards.first, 1)
