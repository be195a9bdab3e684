"""A resolver follows the ConfigMap of its workspace, and does not fall with it."""

from __future__ import annotations

import asyncio

from tests.integration.servers import InProcessServer, config_map, eventually, namespace

from headwater.base.clock import SystemClock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.syncer.dns.follow import CONFIG_MAPS, NamespaceMap


async def test_the_map_is_followed_until_it_is_gone() -> None:
    """Unknown at first, empty without a ConfigMap, and empty again after its deletion."""
    server = await InProcessServer.start()
    client = ClusterClient(server.transport).cluster("")
    await client.resource(GroupVersionResource("", "v1", "namespaces")).create(namespace("own"))
    maps = client.resource(CONFIG_MAPS, "own")
    await maps.create(config_map("another", {"x": "kcp-x"}))
    followed = NamespaceMap(client, namespace="own", config_map="d", domain="cluster.local", clock=SystemClock())
    assert followed.current is None
    assert followed.problem()
    running = asyncio.create_task(followed.run())

    async def knows(down: dict[bytes, bytes]) -> bool:
        return followed.current is not None and followed.current.down == down

    try:
        await eventually(lambda: knows({}))
        assert followed.problem() is None
        await maps.create(config_map("d", {"web": "kcp-a"}))
        await eventually(lambda: knows({b"web": b"kcp-a"}))
        await maps.patch("d", {"data": {"web": None, "api": "kcp-b"}})
        await eventually(lambda: knows({b"api": b"kcp-b"}))
        await maps.delete("d")
        await eventually(lambda: knows({}))
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await server.stop()
