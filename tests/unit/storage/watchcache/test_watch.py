"""Watches: scopes, replay, history, and the end of those that are too slow."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.storage.watchcache.stored import PREFIX, stored

from headwater.storage.interface import Compacted, Event, FutureRevision, SlowWatcher
from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheSet, Subscription, history
from headwater.storage.watchcache.cache import CacheLimits

A, B = PREFIX + "c1/ns/a", PREFIX + "c1/ns/b"


async def put(backend: MemoryBackend, *keys: str) -> None:
    for key in keys:
        await backend.put(key, stored(key.rpartition("/")[2]), expected=None)


async def take(watch: Subscription, count: int) -> list[tuple[str, str, int]]:
    """The next `count` events as (type, key, revision)."""
    taken: list[tuple[str, str, int]] = []
    async with asyncio.timeout(60):
        while len(taken) < count:
            taken += [(event.type, event.object.key, event.revision) for event in await anext(watch)]
    return taken


@pytest.mark.parametrize(
    ("prefix", "revisions"),
    [
        pytest.param(PREFIX, [1, 2, 3, 4, 5, 7], id="resource"),
        pytest.param(PREFIX + "c1/", [1, 2, 3, 4, 7], id="cluster"),
        pytest.param(PREFIX + "c1/ns/", [1, 2, 4, 7], id="namespace"),
        pytest.param(A, [1, 4], id="object"),
    ],
)
@pytest.mark.parametrize("since", [0, 2, 7], ids=["live", "partly-replayed", "replayed"])
async def test_a_watch_sees_its_scope(
    backend: MemoryBackend, caches: CacheSet, prefix: str, revisions: list[int], since: int
) -> None:
    """Every event of the scope comes once and in order, whether it was before or after the watch began."""
    cache = await caches.cache(PREFIX)
    keys = [A, PREFIX + "c1/ns/ab", PREFIX + "c1/ns2/a", A, PREFIX + "c2/ns/a", "/core/secrets/-/c1/ns/a", B]
    await put(backend, *keys[:since])
    watch = cache.subscribe(prefix, 0)
    await put(backend, *keys[since:])
    events = await take(watch, len(revisions))
    assert [revision for _, _, revision in events] == revisions
    assert watch.revision == 7
    assert cache.watchers == 1
    watch.close()
    watch.close()
    assert watch.closed
    assert cache.watchers == 0


async def test_what_waits_comes_as_one_batch(backend: MemoryBackend, caches: CacheSet) -> None:
    """A consumer that was away gets all it missed at once, so that it can write it at once."""
    watch = (await caches.cache(PREFIX)).subscribe(PREFIX, 0)
    await put(backend, A, B, A)
    assert watch.revision == 0
    assert [event.type for event in await anext(watch)] == ["ADDED", "ADDED", "MODIFIED"]
    assert watch.revision == 3
    await backend.delete(A, expected=None)
    assert [event.type for event in await anext(watch)] == ["DELETED"]


async def test_a_waiting_consumer_wakes(backend: MemoryBackend, caches: CacheSet) -> None:
    """A cancelled wait loses nothing, and close ends a wait."""
    watch = (await caches.cache(PREFIX)).subscribe(PREFIX, 0)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await put(backend, A)
    assert [event.revision for event in await waiting] == [1]
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    watch.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert watch.revision == 1


async def test_history_beyond_the_window_comes_from_the_backend(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch from before the window replays from the backend, page by page, then from the window, then live."""
    monkeypatch.setattr(history, "_PAGE", 2)
    caches = CacheSet(backend, limits=CacheLimits(window_events=2))
    await put(backend, A, PREFIX + "c2/ns/a", A, B)
    await backend.delete(B, expected=None)
    cache = await caches.cache(PREFIX)
    await put(backend, A, A, A)
    assert cache.window_start == 6
    watch = cache.subscribe(PREFIX + "c1/", 1)
    assert watch.revision == 1
    await put(backend, B)
    events = await take(watch, 7)
    assert events == [
        ("MODIFIED", A, 3),
        ("ADDED", B, 4),
        ("DELETED", B, 5),
        ("MODIFIED", A, 6),
        ("MODIFIED", A, 7),
        ("MODIFIED", A, 8),
        ("ADDED", B, 9),
    ]
    nothing = cache.subscribe(PREFIX + "c3/", 1)
    waiting = asyncio.ensure_future(anext(nothing))
    for _ in range(10):
        await asyncio.sleep(0)
    assert nothing.revision == 9
    waiting.cancel()


@pytest.mark.parametrize(
    ("limits", "reads"),
    [
        pytest.param(CacheLimits(), 2, id="fits"),
        pytest.param(CacheLimits(window_events=3), 1 + 20, id="too-many"),
        pytest.param(CacheLimits(window_bytes=200), 1 + 20, id="too-large"),
    ],
)
async def test_watchers_that_come_back_share_the_history(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, limits: CacheLimits, reads: int
) -> None:
    """After a restart the history is read into the window, as far back as asked, or for each one if it does not fit."""
    await put(backend, A, B, A, B, A)
    cache = await CacheSet(backend, limits=limits).cache(PREFIX)
    since: list[int] = []
    read = backend.events

    async def counted(prefix: str, start: int, *, limit: int = 0) -> list[Event]:
        since.append(start)
        await asyncio.sleep(0)
        return await read(prefix, start, limit=limit)

    monkeypatch.setattr(backend, "events", counted)
    wanted = {PREFIX: [1, 2, 3, 4, 5, 6], A: [1, 3, 5, 6]}
    # Ten come back with revision 2, then ten with 1, which the window must reach further back for.
    asked = [(prefix, start) for start in (2, 1) for prefix in [PREFIX, A] * 5]
    watches = [cache.subscribe(prefix, start) for prefix, start in asked]
    await put(backend, A)

    async def follow(watch: Subscription, revisions: list[int]) -> None:
        assert [revision for _, _, revision in await take(watch, len(revisions))] == revisions

    expected = [[revision for revision in wanted[prefix] if revision > start] for prefix, start in asked]
    await asyncio.gather(*map(follow, watches, expected))
    assert len(since) == reads


async def test_a_watch_from_lost_history_is_refused(backend: MemoryBackend, caches: CacheSet) -> None:
    """Compacted at once, or while the history is read; FutureRevision for what has not happened."""
    await put(backend, A, A, A)
    cache = await caches.cache(PREFIX)
    await backend.compact(2)
    with pytest.raises(Compacted) as caught:
        cache.subscribe(PREFIX, 1)
    assert caught.value.oldest == 2
    watch = cache.subscribe(PREFIX, 2)
    await backend.compact(3)
    with pytest.raises(Compacted):
        await anext(watch)
    assert watch.closed
    assert cache.watchers == 0
    with pytest.raises(FutureRevision):
        cache.subscribe(PREFIX, 4)
    with pytest.raises(ValueError, match="not under"):
        cache.subscribe("/core/secrets/-/", 0)


async def test_a_slow_watcher_is_cut_off(backend: MemoryBackend, caches: CacheSet) -> None:
    """Above its limit a watch ends with SlowWatcher; others go on; it may watch again from what it saw last."""
    cache = await caches.cache(PREFIX)
    slow = cache.subscribe(PREFIX, 0, limit=2)
    fast = cache.subscribe(PREFIX, 0)
    await put(backend, A, A, A)
    assert slow.closed
    assert cache.watchers == 1
    with pytest.raises(SlowWatcher):
        await anext(slow)
    again = cache.subscribe(PREFIX, slow.revision)
    assert await take(again, 3) == await take(fast, 3)


async def test_a_watcher_behind_the_window_is_cut_off(backend: MemoryBackend) -> None:
    """Whatever its limit, a watch can't hold on to events that the window has let go of."""
    caches = CacheSet(backend, limits=CacheLimits(window_bytes=3 * len(stored("a")) + 100))
    cache = await caches.cache(PREFIX)
    watch = cache.subscribe(PREFIX, 0, limit=1000)
    await put(backend, A, A)
    assert not watch.closed
    await put(backend, *[A] * 4)
    assert watch.closed
    with pytest.raises(SlowWatcher, match="too slow"):
        await anext(watch)
