"""List and watch through random cuts rebuilds the store, on every backend."""

from __future__ import annotations

import asyncio
import random
import tempfile
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend, Compacted, KeyNotFound, SlowWatcher
from headwater.storage.watchcache import CacheEvent, CacheSet, Subscription, WatchCache, history
from headwater.storage.watchcache.cache import CacheLimits

PREFIX = "/g/r/-/"
SCOPE = PREFIX + "c1/"
KEYS = [SCOPE + "ns/a", SCOPE + "ns/b", SCOPE + "b", PREFIX + "c2/a", "/g/other/-/c1/a"]
END = SCOPE + "zz"
LIMITS = CacheLimits(window_events=6, watcher_events=4)
STEPS = st.lists(
    st.sampled_from(["put", "put", "put", "delete", "burst", "drain", "cut", "rewind", "compact", "restart"]),
    max_size=40,
)


def stored(revision: int) -> bytes:
    return b'{"apiVersion":"v1","kind":"K","metadata":{"name":"n"},"data":"%d"}' % revision


class Follower:
    """A client: lists once, then follows a watch, and starts again from any state that it had when it is cut off."""

    def __init__(self, cache: WatchCache) -> None:
        self.lists = 0
        self.relist(cache)

    def relist(self, cache: WatchCache) -> None:
        self.state = {item.key: item.value for item in cache.list(SCOPE)}
        self.revision = cache.revision
        self.saved = [(self.revision, dict(self.state))]
        self.watch: Subscription = cache.subscribe(SCOPE, self.revision)
        self.lists += 1

    def resume(self, cache: WatchCache) -> None:
        self.watch.close()
        try:
            self.watch = cache.subscribe(SCOPE, self.revision)
        except Compacted:
            self.relist(cache)

    def rewind(self, cache: WatchCache, choice: random.Random) -> None:
        self.revision, state = choice.choice(self.saved)
        self.state = dict(state)
        self.resume(cache)

    async def follow(self, cache: WatchCache, until: int) -> None:
        """Take events up to a revision that is known to be in scope."""
        while self.revision < until:
            try:
                batch = await asyncio.wait_for(anext(self.watch), 60)
            except SlowWatcher:
                self.resume(cache)
            except Compacted:
                self.relist(cache)
            else:
                for event in batch:
                    self.apply(event)

    def apply(self, event: CacheEvent) -> None:
        key, value = event.object.key, event.object.value
        assert event.revision > self.revision
        assert b'"resourceVersion":"%d"' % event.revision in value
        assert key.startswith(SCOPE)
        assert (event.type == "ADDED") == (key not in self.state)
        assert (event.previous.value if event.previous else None) == self.state.get(key)
        if event.type == "DELETED":
            del self.state[key]
        else:
            self.state[key] = value
        self.revision = event.revision
        self.saved.append((self.revision, dict(self.state)))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(steps=STEPS, seed=st.integers(0, 1 << 16))
@settings(max_examples=40)
def test_list_and_watch_rebuilds_the_store(kind: str, steps: list[str], seed: int) -> None:
    """Whatever is cut, stalled, rewound, compacted or restarted, a follower ends with what the store holds."""

    async def scenario(folder: str) -> None:
        choice = random.Random(seed)
        url = "memory://" if kind == "memory" else f"sqlite:{folder}/store.db"
        backend, cache = await opened(url)
        follower = Follower(cache)
        for step in [*steps, "drain"]:
            if step == "restart" and kind == "sqlite":
                await backend.close()
                backend, cache = await opened(url)
                follower.resume(cache)
            elif step == "drain":
                await follower.follow(cache, await backend.put(END, stored(0), expected=None))
            elif step == "cut":
                follower.resume(cache)
            elif step == "rewind":
                follower.rewind(cache, choice)
            else:
                await write(backend, step, choice)
        found = await backend.range(SCOPE)
        assert follower.state == {item.key: cached_value(cache, item.key) for item in found.items}
        assert [item.key for item in cache.list(SCOPE)] == [item.key for item in found.items]
        await backend.close()

    with tempfile.TemporaryDirectory() as folder, patch.object(history, "_PAGE", 3):
        asyncio.run(scenario(folder))


async def opened(url: str) -> tuple[Backend, WatchCache]:
    backend = open_backend(url)
    await backend.open()
    return backend, await CacheSet(backend, limits=LIMITS).cache(PREFIX)


async def write(backend: Backend, step: str, choice: random.Random) -> None:
    if step == "compact":
        await backend.compact(choice.randint(0, backend.revision()))
    elif step == "delete":
        try:
            await backend.delete(choice.choice(KEYS), expected=None)
        except KeyNotFound:
            pass
    else:
        keys = choice.choices(KEYS, k=12 if step == "burst" else 1)
        await asyncio.gather(*(backend.put(key, stored(backend.revision()), expected=None) for key in keys))


def cached_value(cache: WatchCache, key: str) -> bytes:
    item = cache.get(key)
    assert item is not None
    return item.value
