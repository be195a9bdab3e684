"""Storage by itself: durable puts through asyncio beside a bare database, cache reads, and the cost of watchers.

`python -m benchmarks.storage` prints one JSON object. Ratios are to the floor of the same run, measured before and
after: transactions of 32 puts into one table, without revisions, history or preconditions.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.floors import database_floor
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet

PREFIX = "/core/configmaps/-/"
VALUE = (
    b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bench","namespace":"default","labels":{"app":"bench"}},'
    b'"data":{"text":"%b"}}' % (b"x" * 1100)
)


async def put_rate(backend: Backend, writers: int, each: int) -> float:
    """Durable puts a second of writers that each wait for one answer before the next."""

    async def write(writer: int) -> None:
        for number in range(each):
            await backend.put(f"{PREFIX}c{writer}/default/o{number}", VALUE, expected=None)

    started = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return writers * each / (time.perf_counter() - started)


async def cache_figures(backend: Backend) -> dict[str, float]:
    """Microseconds to load, list and encode per object, and to tell one more watcher of a write."""
    started = time.perf_counter()
    cache = await CacheSet(backend).cache(PREFIX)
    load = time.perf_counter() - started
    started = time.perf_counter()
    listed = len(b",".join(cache.values(PREFIX))) and cache.count(PREFIX)
    listing = time.perf_counter() - started
    watches = [cache.subscribe(PREFIX, cache.revision) for _ in range(1000)]
    started = time.perf_counter()
    written = 0.0
    for number in range(20):
        before = time.perf_counter()
        await backend.put(f"{PREFIX}c0/default/w{number}", VALUE, expected=None)
        written += time.perf_counter() - before
        for watch in watches:
            assert (await anext(watch))[0].encoded
    watching = time.perf_counter() - started - written
    return {
        "objects": listed,
        "load_us_per_object": round(load / listed * 1e6, 2),
        "list_us_per_object": round(listing / listed * 1e6, 3),
        "watch_take_us_per_delivery": round(watching / (20 * len(watches)) * 1e6, 2),
    }


async def measure() -> dict[str, object]:
    """All figures."""
    floors = [database_floor(6000)["per_second"]]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        backend = open_backend(f"sqlite:{Path(folder)}/bench.db")
        await backend.open()
        opened = time.perf_counter() - started
        caches = CacheSet(backend)
        await caches.cache(PREFIX)
        rates = {writers: await put_rate(backend, writers, each) for writers, each in ((1, 500), (32, 400), (128, 100))}
        caches.close()
        figures = await cache_figures(backend)
        await backend.close()
    floors.append(database_floor(6000)["per_second"])
    floor = sum(floors) / len(floors)
    return {
        "open_ms": round(opened * 1e3, 1),
        "floor_puts_per_second_batch_32": round(floor),
        "puts_per_second": {f"{writers}_writers": round(rate) for writers, rate in rates.items()},
        "ratio_to_floor": {f"{writers}_writers": round(rate / floor, 2) for writers, rate in rates.items()},
        "cache": figures,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure()), indent=2))
