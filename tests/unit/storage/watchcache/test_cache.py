"""Loading and reading caches, listeners, and how far a cache has come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.unit.storage.watchcache.stored import PREFIX, stored

from headwater.base.clock import ManualClock
from headwater.storage.interface import FutureRevision, RangeResult, StorageUnavailable
from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheEvent, CacheSet, WatchCache, cacheset


async def fill(backend: MemoryBackend, *names: str) -> None:
    for name in names:
        await backend.put(PREFIX + name, stored(name.rpartition("/")[2]), expected=0)


async def replayed(cache: WatchCache) -> list[CacheEvent]:
    """All events of a cache that was empty in the beginning."""
    watch = cache.subscribe(PREFIX, 0)
    batch = await anext(watch)
    watch.close()
    return list(batch)


@pytest.mark.parametrize("before", [True, False], ids=["loaded-after", "loaded-before"])
async def test_reads_by_scope(backend: MemoryBackend, caches: CacheSet, before: bool) -> None:
    """A prefix is everything below it in key order, a whole key is itself; other resources don't show."""
    names = ("c2/ns/x", "c1/ns/b", "c1/ns/a", "c1/ns-2/a", "c1/cluster-scoped")
    if not before:
        await caches.cache(PREFIX)
    await backend.put("/core/secrets/-/c1/ns/a", stored("a"), expected=0)
    await fill(backend, *names)
    cache = await caches.cache(PREFIX)

    def listed(prefix: str, **kwargs: Any) -> list[str]:
        return [item.key.removeprefix(PREFIX) for item in cache.list(prefix, **kwargs)]

    assert listed(PREFIX) == sorted(names)
    assert listed(PREFIX + "c1/") == ["c1/cluster-scoped", "c1/ns-2/a", "c1/ns/a", "c1/ns/b"]
    assert listed(PREFIX + "c1/ns/") == ["c1/ns/a", "c1/ns/b"]
    assert listed(PREFIX + "c1/ns/a") == ["c1/ns/a"]
    assert listed(PREFIX + "c1/n") == []
    assert listed(PREFIX + "c1/", start_after=PREFIX + "c1/ns-2/a", limit=1) == ["c1/ns/a"]
    assert listed(PREFIX + "c1/ns/a", start_after=PREFIX + "c1/ns/a") == []
    assert cache.count(PREFIX + "c1/") == 4
    assert cache.count(PREFIX + "c1/", start_after=PREFIX + "c1/ns-2/a") == 2
    assert cache.count(PREFIX + "c1/ns/a") == 1
    assert cache.count(PREFIX + "none") == 0
    assert cache.values(PREFIX + "c2/") == [item.value for item in cache.list(PREFIX + "c2/")]
    found = cache.get(PREFIX + "c1/ns/a")
    assert found is not None
    assert found.decoded["metadata"]["resourceVersion"] == str(found.revision)
    assert cache.get(PREFIX + "c1/ns/z") is None


async def test_revision_counts_all_writes(backend: MemoryBackend, caches: CacheSet) -> None:
    """A write anywhere moves every cache forward, so that lists and bookmarks carry the store's revision."""
    await fill(backend, "c1/ns/a")
    assert caches.revision == 1
    cache = await caches.cache(PREFIX)
    assert cache.revision == cache.window_start == 1
    await backend.put("/elsewhere", b"", expected=0)
    assert cache.revision == caches.revision == 2


async def test_a_cache_is_loaded_once(
    backend: MemoryBackend, caches: CacheSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers that come during the load wait for it; a load that fails is tried again by the next."""
    await fill(backend, "c1/ns/a")
    calls = 0
    read = backend.range

    async def counted(prefix: str, **kwargs: Any) -> RangeResult:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise StorageUnavailable("not now")
        return await read(prefix, **kwargs)

    monkeypatch.setattr(backend, "range", counted)
    with pytest.raises(StorageUnavailable):
        await caches.cache(PREFIX)
    assert caches.loaded(PREFIX) is None
    first, second = await asyncio.gather(caches.cache(PREFIX), caches.cache(PREFIX))
    assert first is second is caches.loaded(PREFIX)
    assert calls == 2
    assert first.count(PREFIX) == 1


async def test_writes_during_a_paged_load_are_not_lost(
    backend: MemoryBackend, caches: CacheSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load reads pages of one revision, and what is written between pages is applied after it."""
    monkeypatch.setattr(cacheset, "_LOAD_PAGE", 2)
    await fill(backend, *(f"c1/ns/{name}" for name in "abcdef"))
    read = backend.range

    async def interrupted(prefix: str, **kwargs: Any) -> RangeResult:
        page = await read(prefix, **kwargs)
        if backend.revision() == 6:
            await backend.delete(PREFIX + "c1/ns/e", expected=None)
            await backend.put(PREFIX + "c1/ns/a", stored("a", new="1"), expected=None)
            await backend.put(PREFIX + "c1/ns/aa", stored("aa"), expected=0)
        return page

    monkeypatch.setattr(backend, "range", interrupted)
    cache = await caches.cache(PREFIX)
    assert [item.key[-2:].strip("/") for item in cache.list(PREFIX)] == ["a", "aa", "b", "c", "d", "f"]
    assert cache.list(PREFIX)[0].decoded["data"] == {"new": "1"}
    assert (cache.window_start, cache.revision) == (6, 9)


async def test_a_load_overtaken_by_compaction_starts_again(
    backend: MemoryBackend, caches: CacheSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compaction between two pages makes the load begin at the new revision."""
    monkeypatch.setattr(cacheset, "_LOAD_PAGE", 2)
    await fill(backend, *(f"c1/ns/{name}" for name in "abc"))
    read = backend.range

    async def interrupted(prefix: str, **kwargs: Any) -> RangeResult:
        page = await read(prefix, **kwargs)
        if backend.revision() == 3:
            await fill(backend, "c1/ns/d")
            await backend.compact(4)
        return page

    monkeypatch.setattr(backend, "range", interrupted)
    cache = await caches.cache(PREFIX)
    assert cache.count(PREFIX) == 4
    await fill(backend, "c1/ns/e")
    assert cache.count(PREFIX) == 5


@pytest.mark.parametrize("prefix", ["", "/core/configmaps/", "/core/configmaps/-/c1/", "core"])
async def test_only_resource_prefixes_have_caches(caches: CacheSet, prefix: str) -> None:
    """A prefix that is too short or too long is refused."""
    with pytest.raises(ValueError, match="resource prefix"):
        await caches.cache(prefix)


async def test_wait_for_a_revision(backend: MemoryBackend, caches: CacheSet) -> None:
    """Waiting ends when the revision is there, at once if it is, and with FutureRevision when it doesn't come."""
    cache = await caches.cache(PREFIX)
    waiting = [asyncio.ensure_future(cache.wait_for(2, 10)), asyncio.ensure_future(caches.wait_for(1, 10))]
    cancelled = asyncio.ensure_future(cache.wait_for(2, 10))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(FutureRevision) as caught:
        await cache.wait_for(2, 0)
    assert caught.value.requested == 2
    await fill(backend, "c1/ns/a", "c1/ns/b")
    await asyncio.gather(*waiting)
    await cache.wait_for(2, 0)


async def test_listeners_follow_synchronously(backend: MemoryBackend, caches: CacheSet) -> None:
    """A listener has seen a write when the writer returns; one that fails keeps neither cache nor others from it."""
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    cache = await caches.cache(PREFIX)
    seen: list[CacheEvent] = []

    def fail(event: CacheEvent) -> None:
        raise RuntimeError("boom")

    cache.add_listener(fail)
    remove = cache.add_listener(seen.append)
    await fill(backend, "c1/ns/a")
    await backend.put(PREFIX + "c1/ns/a", stored("a", new="1"), expected=1)
    await backend.delete(PREFIX + "c1/ns/a", expected=2)
    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event.revision for event in seen] == [1, 2, 3]
    assert [event.previous and event.previous.revision for event in seen] == [None, 1, 2]
    assert seen[2].object.decoded["metadata"]["resourceVersion"] == "3"
    assert seen[2].object.decoded["data"] == {"new": "1"}
    assert len(failures) == 3
    remove()
    await fill(backend, "c1/ns/b")
    assert len(seen) == 3
    assert cache.count(PREFIX) == 1


async def test_a_closed_set_follows_no_more(backend: MemoryBackend, caches: CacheSet) -> None:
    """Closing ends watches and the subscription to the backend."""
    cache: WatchCache = await caches.cache(PREFIX)
    watch = cache.subscribe(PREFIX, 0)
    caches.close()
    assert [batch async for batch in watch] == []
    await fill(backend, "c1/ns/a")
    assert cache.count(PREFIX) == 0


async def test_what_rests_reads_and_replays_as_before(backend: MemoryBackend, caches: CacheSet) -> None:
    """Lists, events for late watchers, and states before a change are the same; what was just written stays awake."""
    cache = await caches.cache(PREFIX)
    await fill(backend, "c1/ns/a", "c1/ns/b", "c1/ns/c")
    await backend.put(PREFIX + "c1/ns/a", stored("a", note="new"), expected=1)
    await backend.delete(PREFIX + "c1/ns/b", expected=2)
    values = cache.values(PREFIX)
    lines = [event.encoded for event in await replayed(cache)]
    clock = ManualClock()
    resting = asyncio.create_task(caches.rest(clock))
    while not clock.sleeping:
        await asyncio.sleep(0)
    await fill(backend, "c1/ns/d")
    clock.advance(60)
    await asyncio.sleep(0)
    resting.cancel()

    assert cache.values(PREFIX)[:2] == values
    events = await replayed(cache)
    assert [event.encoded for event in events[:-1]] == lines
    assert [event.type for event in events] == ["ADDED", "ADDED", "ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert events[3].previous is not None
    assert events[3].previous.decoded["metadata"]["resourceVersion"] == "1"
