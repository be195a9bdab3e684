"""Watches within the server's process: decoded once for all, with the same events as on the wire."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.client.resource import ResourceClient
from headwater.client.watch import Watch
from headwater.machinery.errors import Expired
from headwater.machinery.gvk import GroupVersionResource

from .conftest import CONFIG_MAPS, Api, start
from .test_create_update import config_map


def client(api: Api) -> ResourceClient:
    resource = GroupVersionResource("", "v1", "configmaps")
    return ClusterClient(api.transport).cluster("").resource(resource, "default")


async def take(watch: Watch, count: int, *, shared: bool) -> list[tuple[str, Any]]:
    """The first events of a watch."""
    events: list[tuple[str, Any]] = []
    async with asyncio.timeout(60), watch, aclosing(watch.batches(shared=shared)) as batches:
        async for batch in batches:
            events += batch
            if len(events) >= count:
                break
    return events


async def change(api: Api) -> str:
    """Some history of one object; the resourceVersion before it."""
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "2"}, "metadata": {"labels": {"app": "web"}}})
    await api.delete(f"{CONFIG_MAPS}/a")
    return str(version)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="whole objects"),
        pytest.param({"metadata_only": True}, id="metadata"),
        pytest.param({"label_selector": "app=web"}, id="label selector"),
        pytest.param({"field_selector": "metadata.name=a"}, id="field selector"),
    ],
)
async def test_shared_events_are_those_of_the_wire(api: Api, options: dict[str, Any]) -> None:
    """Whichever way they come, types and objects are equal."""
    version = await change(api)
    count = 2 if "label_selector" in options else 3
    shared = await take(client(api).watch(resource_version=version, **options), count, shared=True)
    private = await take(client(api).watch(resource_version=version, **options), count, shared=False)
    assert shared == private
    assert len(shared) == count


async def test_watchers_share_objects_only_when_they_ask_for_it(api: Api) -> None:
    """Who doesn't say that it changes nothing gets objects of its own."""
    version = await change(api)
    one, two = [await take(client(api).watch(resource_version=version), 3, shared=True) for _ in range(2)]
    own = await take(client(api).watch(resource_version=version), 3, shared=False)
    assert all(mine is theirs for (_, mine), (_, theirs) in zip(one, two, strict=True))
    assert not any(mine is theirs for (_, mine), (_, theirs) in zip(one, own, strict=True))


async def test_initial_events_and_bookmarks_come_too() -> None:
    """The state at the start comes before changes, and bookmarks between them."""
    api = await start(bookmark_seconds=0.01)
    await api.create(CONFIG_MAPS, config_map("a"))
    events = await take(client(api).watch(), 2, shared=True)
    assert [kind for kind, _ in events] == ["ADDED", "BOOKMARK"]
    assert int(events[1][1]["metadata"]["resourceVersion"]) >= int(events[0][1]["metadata"]["resourceVersion"])
    await api.backend.close()


async def test_closing_ends_the_wait_of_another_task(api: Api) -> None:
    """A watch that is closed comes to its end where somebody waits for its next event."""
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    watch = client(api).watch(resource_version=version)
    waiting = asyncio.create_task(take(watch, 2, shared=True))
    await api.create(CONFIG_MAPS, config_map("a"))
    for _ in range(20):
        await asyncio.sleep(0)
    await watch.close()
    assert [kind for kind, _ in await asyncio.wait_for(waiting, 60)] == ["ADDED"]


async def test_an_expired_start_is_raised(api: Api) -> None:
    """What is an ERROR event on the wire is the error itself."""
    version = await change(api)
    await change(api)
    await api.backend.compact(api.backend.revision())
    # A fresh server has nothing of the past in its cache.
    api.server.store.caches._ready.clear()
    with pytest.raises(Expired):
        await take(client(api).watch(resource_version=str(int(version) + 1)), 1, shared=True)


async def test_an_informer_changes_nothing_that_it_was_given(api: Api) -> None:
    """Its own form of an object is a copy; what the server holds stays whole."""
    informer = Informer(client(api), name="test", clustered=False)
    running = asyncio.create_task(informer.run())
    await informer.wait_synced()
    arrived = asyncio.Event()
    informer.add_handler(lambda *_: arrived.set())
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    await asyncio.wait_for(arrived.wait(), 60)
    (held,) = informer.list()
    assert held["data"] == {"k": "1"}
    assert "managedFields" not in held["metadata"]
    events = await take(client(api).watch(), 1, shared=True)
    assert events[0][1]["metadata"]["managedFields"]
    running.cancel()
