"""Watch: initial events, selectors, bookmarks, WatchList, expiry."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api, start
from .test_create_update import config_map


class Watching:
    """A running watch, read event by event."""

    def __init__(self, stream: Any) -> None:
        self._lines = _lines(stream)

    async def next(self) -> tuple[str, Any]:
        event = json.loads(await asyncio.wait_for(anext(self._lines), 30))
        return event["type"], event["object"]


async def _lines(stream: Any) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


@contextlib.asynccontextmanager
async def watching(api: Api, path: str = CONFIG_MAPS, accept: str = "application/json", **query: str) -> Any:
    pairs = [("watch", "1"), *query.items()]
    stream = await api.transport.stream("GET", path, query=pairs, headers={"accept": accept})
    try:
        yield Watching(stream)
    finally:
        await stream.close()


async def test_from_a_version(api: Api) -> None:
    """Every change after the resourceVersion comes once, in order."""
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    async with watching(api, resourceVersion=version) as events:
        await api.create(CONFIG_MAPS, config_map("a", k="1"))
        await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "2"}})
        await api.create("/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
        await api.create("/api/v1/namespaces/elsewhere/configmaps", config_map("b"))
        await api.delete(f"{CONFIG_MAPS}/a")
        kinds = [await events.next() for _ in range(3)]
    assert [kind for kind, _ in kinds] == ["ADDED", "MODIFIED", "DELETED"]
    assert [obj["data"]["k"] for _, obj in kinds] == ["1", "2", "2"]
    versions = [int(obj["metadata"]["resourceVersion"]) for _, obj in kinds]
    assert versions == sorted(versions)


@pytest.mark.parametrize("version", ["", "0"])
async def test_without_a_version_begins_with_the_state(api: Api, version: str) -> None:
    """The state comes as ADDED events first."""
    await api.create(CONFIG_MAPS, config_map("a"))
    async with watching(api, **({"resourceVersion": version} if version else {})) as events:
        kind, obj = await events.next()
        assert (kind, obj["metadata"]["name"]) == ("ADDED", "a")
        await api.create(CONFIG_MAPS, config_map("b"))
        assert (await events.next())[1]["metadata"]["name"] == "b"


async def test_selected_objects_come_and_go(api: Api) -> None:
    """An object that starts to match is ADDED, one that stops is DELETED with its version moved on."""
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    async with watching(api, resourceVersion=version, labelSelector="on=yes") as events:
        await api.create(CONFIG_MAPS, config_map("a"))
        on = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"on": "yes"}}})
        await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "v"}})
        off = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"on": "no"}}})
        await api.delete(f"{CONFIG_MAPS}/a")
        await api.create(CONFIG_MAPS, {"metadata": {"name": "b", "labels": {"on": "yes"}}})
        await api.delete(f"{CONFIG_MAPS}/b")
        got = [await events.next() for _ in range(5)]
    assert [kind for kind, _ in got] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert got[0][1]["metadata"]["resourceVersion"] == on.version
    assert got[2][1]["metadata"]["resourceVersion"] == off.version
    assert got[2][1]["metadata"]["labels"] == {"on": "yes"}


async def test_one_name(api: Api) -> None:
    """A watch of one name sees that object only."""
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    async with watching(api, resourceVersion=version, fieldSelector="metadata.name=b") as events:
        for name in "abc":
            await api.create(CONFIG_MAPS, config_map(name))
        assert (await events.next())[1]["metadata"]["name"] == "b"
        await api.delete(f"{CONFIG_MAPS}/b")
        assert (await events.next())[0] == "DELETED"


async def test_watch_list(api: Api) -> None:
    """sendInitialEvents gives the state, then a bookmark that says so, then changes."""
    await api.create(CONFIG_MAPS, config_map("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with watching(api, **query) as events:
        assert (await events.next())[0] == "ADDED"
        kind, mark = await events.next()
        assert (kind, mark["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})
        assert mark["kind"] == "ConfigMap"
        assert int(mark["metadata"]["resourceVersion"]) >= 2
        await api.create(CONFIG_MAPS, config_map("b"))
        assert (await events.next())[1]["metadata"]["name"] == "b"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"sendInitialEvents": "true"}, id="without match"),
        pytest.param({"resourceVersionMatch": "NotOlderThan"}, id="match alone"),
        pytest.param({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, id="exact"),
    ],
)
async def test_wrong_options(api: Api, query: dict[str, str]) -> None:
    """Options that don't go together are 422, so that clients fall back."""
    reply = await api.get(CONFIG_MAPS, watch="true", **query)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")


async def test_bookmarks(api: Api) -> None:
    """Bookmarks come regularly and before the end, with a version that moves on."""
    api = await start(bookmark_seconds=0.05)
    events = await api.watch(CONFIG_MAPS, allowWatchBookmarks="true", timeoutSeconds="1")
    marks = [event["object"] for event in events if event["type"] == "BOOKMARK"]
    assert len(marks) > 2
    assert all(set(mark["metadata"]) == {"resourceVersion", "creationTimestamp"} for mark in marks)
    assert await api.watch(CONFIG_MAPS, timeoutSeconds="1") == []
    await api.backend.close()


async def test_last_bookmark_before_the_end(api: Api) -> None:
    """A watch that is shorter than the interval still ends with a bookmark."""
    events = await api.watch(CONFIG_MAPS, allowWatchBookmarks="true", timeoutSeconds="1")
    assert [event["type"] for event in events] == ["BOOKMARK"]


async def test_expired_version(api: Api) -> None:
    """A version out of the history is an ERROR event with a Status of 410."""
    old = (await api.create(CONFIG_MAPS, config_map("a")))["metadata"]["resourceVersion"]
    for number in range(5):
        await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": str(number)}})
    # A fresh server has nothing of the past in its cache.
    await api.backend.compact(api.backend.revision())
    fresh = Api(api.server, api.backend)
    fresh.server.store.caches._ready.clear()
    (event,) = await fresh.watch(CONFIG_MAPS, resourceVersion=old)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_tables_and_metadata(api: Api) -> None:
    """Watches speak the negotiated form; a Table says its columns once."""
    await api.create(CONFIG_MAPS, config_map("a"))
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    async with watching(api, accept=table) as events:
        first = (await events.next())[1]
        await api.create(CONFIG_MAPS, config_map("b"))
        second = (await events.next())[1]
    assert (first["kind"], len(first["columnDefinitions"]), first["rows"][0]["cells"][0]) == ("Table", 3, "a")
    assert (second["columnDefinitions"], second["rows"][0]["cells"][0]) == (None, "b")
    partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    async with watching(api, accept=partial) as events:
        obj = (await events.next())[1]
    assert (obj["kind"], obj["apiVersion"], "data" in obj) == ("PartialObjectMetadata", "meta.k8s.io/v1", False)


async def test_watch_closed_by_client(api: Api) -> None:
    """A watch that the client leaves is forgotten."""
    cache = await api.server.store.caches.cache("/core/configmaps/-/")
    async with watching(api) as events:
        await api.create(CONFIG_MAPS, config_map("a"))
        await events.next()
        assert cache.watchers == 1
    for _ in range(100):
        if not cache.watchers:
            break
        await asyncio.sleep(0)
    assert cache.watchers == 0
