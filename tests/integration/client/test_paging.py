"""Lists that come in pages while others write: the copy is that of an unpaged list, nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
from tests.integration.servers import InProcessServer, config_map, eventually

from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.client.interface import Query, RawResponse, Stream, Transport
from headwater.client.resource import PAGE_SIZE, ResourceClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name, resource_version
from headwater.machinery.watch import ADDED, DELETED

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
COUNT = 2 * PAGE_SIZE + 100


class BetweenPages:
    """A transport to the real server that lets something happen after every page but the last."""

    def __init__(self, transport: Transport, happens: Callable[[int], Awaitable[None]]) -> None:
        self._transport = transport
        self._happens = happens
        self.limits: list[str] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's name
    ) -> RawResponse:
        answer = await self._transport.request(method, path, query=query, headers=headers, body=body, timeout=timeout)
        self.limits.append(dict(query).get("limit", ""))
        if b'"continue":"' in answer.body:
            await self._happens(len(self.limits))
        return answer

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's name
    ) -> Stream:
        return await self._transport.stream(method, path, query=query, headers=headers, body=body, timeout=timeout)

    async def close(self) -> None:
        await self._transport.close()


class Replay:
    """A copy made of an informer's events alone, which must fit each other."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}

    def __call__(self, kind: str, old: Object | None, new: Object | None) -> None:
        obj = new or old or {}
        assert (name(obj) in self.objects) is (kind != ADDED), f"{kind} of {name(obj)}"
        if kind == DELETED:
            del self.objects[name(obj)]
        else:
            self.objects[name(obj)] = resource_version(obj)


@pytest.fixture
async def server() -> AsyncIterator[InProcessServer]:
    """A server with more objects than go into two pages."""
    server = await InProcessServer.start(clusters=False)
    maps = maps_of(server.transport)
    for number in range(COUNT):
        await maps.create(config_map(f"m{number:04}"))
    yield server
    await server.stop()


def maps_of(transport: Transport) -> ResourceClient:
    return ClusterClient(transport).cluster("").resource(CONFIG_MAPS, "default")


async def write_around(maps: ResourceClient, page: int) -> None:
    """Change, delete and create what was on this page and on those before it, and what is still to come."""
    for number in (page, COUNT - page):
        await maps.patch(f"m{number:04}", {"data": {"page": str(page)}})
        await maps.delete(f"m{number + 10 if number < PAGE_SIZE else number - 10:04}")
        await maps.create(config_map(f"m{number:04}-new"))


async def follow(maps: ResourceClient, other: ResourceClient) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What an informer holds, what its events say, and what an unpaged list has, each as resourceVersion by name."""
    informer = Informer(maps, name="paged", clustered=False)
    replay = Replay()
    informer.add_handler(replay)
    async with TaskGroup("test") as group:
        group.start(informer.run())
        await informer.wait_synced()
        await other.create(config_map("the-last"))
        await eventually(lambda: there(informer, "default/the-last"))
        group.cancel()
    assert len(replay.objects) == len(informer)
    unpaged = (await other.list())["items"]
    held = {name(each): resource_version(each) for each in informer.list()}
    return held, replay.objects, {name(each): resource_version(each) for each in unpaged}


async def there(informer: Informer, key: str) -> bool:
    return key in informer


async def test_a_paged_list_is_the_unpaged_one_while_writes_go_on(server: InProcessServer) -> None:
    maps = maps_of(server.transport)
    transport = BetweenPages(server.transport, lambda page: write_around(maps, page))
    held, told, unpaged = await follow(maps_of(transport), maps)
    assert transport.limits == ["500", "500", "500"]
    assert held == told == unpaged
    assert len(held) == COUNT + 1


async def test_a_list_whose_pages_expire_begins_anew(server: InProcessServer) -> None:
    """Nothing of the pages before stays: what was deleted since then is not there."""
    maps = maps_of(server.transport)

    async def expire(page: int) -> None:
        await write_around(maps, page)
        await server.backend.compact(server.backend.revision())

    transport = BetweenPages(server.transport, expire)
    held, told, unpaged = await follow(maps_of(transport), maps)
    assert transport.limits == ["500", "500", ""]
    assert held == told == unpaged
    assert "m0011" not in held


async def test_a_list_that_fails_on_the_way_changes_nothing(server: InProcessServer) -> None:
    """Half a list removes nothing, and adds nothing that handlers would act on."""
    maps = maps_of(server.transport)
    informer = Informer(maps_of(BetweenPages(server.transport, fail)), name="paged", clustered=False)
    seen: list[str] = []
    informer.add_handler(lambda kind, old, new: seen.append(kind))
    async with TaskGroup("test") as group:
        group.start(informer.run())
        await eventually(lambda: failed(informer))
        group.cancel()
    assert (seen, len(informer), informer.has_synced) == ([], 0, False)
    assert len((await maps.list())["items"]) == COUNT


async def fail(page: int) -> None:
    raise TimeoutError(f"no answer after page {page}")


async def failed(informer: Informer) -> bool:
    return "no answer after page 1" in informer.last_error
