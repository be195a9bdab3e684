"""Events go an hour after their last write."""

from __future__ import annotations

import asyncio

from headwater.apiserver.registry.eventexpiry import EventExpiry
from headwater.base.clock import ManualClock

from .conftest import Api
from .test_list import EVENTS


async def test_old_events_go(api: Api) -> None:
    """An event that is written again stays longer; others go with the next sweep."""
    clock = ManualClock()
    expiry = EventExpiry(api.backend, api.server.store.caches, clock, keep_seconds=100, sweep_seconds=30)
    event = {"involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}, "reason": "R"}
    await api.create(EVENTS, {"metadata": {"name": "before"}} | event)
    running = asyncio.create_task(expiry.run())
    while not clock.sleeping:
        await asyncio.sleep(0)
    await api.create(EVENTS, {"metadata": {"name": "kept"}} | event)
    await api.create(EVENTS, {"metadata": {"name": "gone"}} | event)
    await api.delete(f"{EVENTS}/gone")

    async def advance(seconds: float) -> None:
        clock.advance(seconds)
        for _ in range(50):
            await asyncio.sleep(0)
        while not clock.sleeping:
            await asyncio.sleep(0)

    await advance(60)
    await api.merge(f"{EVENTS}/kept", {"count": 2})
    await advance(60)
    names = [item["metadata"]["name"] for item in (await api.get(EVENTS)).body["items"]]
    assert names == ["kept"]
    await advance(60)
    assert (await api.get(EVENTS)).body["items"] == []
    assert await expiry.sweep() == 0
    running.cancel()
