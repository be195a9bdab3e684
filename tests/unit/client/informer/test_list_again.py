"""An informer whose knowledge is doubted, on a server whose watches say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from headwater.base import jsonio
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.client.interface import RawResponse, Stream, TransportError
from headwater.machinery.gvk import GroupVersionResource

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")


class _Silence:
    """A watch on which nothing happens until it is closed."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await self.closed.wait()
        return
        yield b""

    async def close(self) -> None:
        self.closed.set()


class Silent:
    """Lists what `names` say, and never tells of a change."""

    def __init__(self) -> None:
        self.names = ["old"]
        self.lists = 0
        self.broken = False
        self.watches: list[_Silence] = []

    async def request(self, method: str, path: str, **_: object) -> RawResponse:
        self.lists += 1
        if self.broken:
            raise TransportError("nobody there", sent=False)
        meta = {"namespace": "a", "resourceVersion": "7"}
        items = [{"metadata": {"name": name, **meta}} for name in self.names]
        return RawResponse(200, {}, jsonio.dumps({"metadata": {"resourceVersion": "9"}, "items": items}))

    async def stream(self, method: str, path: str, **_: object) -> Stream:
        self.watches.append(_Silence())
        return self.watches[-1]

    async def close(self) -> None: ...


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.mark.parametrize("broken", [False, True], ids=["answers", "answers-later"])
async def test_it_lists_all_anew_at_once(broken: bool) -> None:
    """Or as soon as there is an answer; the watch of before is given up, and there is one again."""
    server, clock = Silent(), ManualClock()
    informer = Informer(
        ClusterClient(server).cluster("").resource(CONFIG_MAPS), name="maps", clustered=False, clock=clock
    )
    async with TaskGroup("test") as group:
        group.start(informer.run())
        await settle()
        assert (list(informer.keys()), server.lists, len(server.watches)) == (["a/old"], 1, 1)
        server.names, server.broken = ["new"], broken
        informer.list_again()
        await settle()
        assert server.watches[0].closed.is_set()
        if broken:
            assert list(informer.keys()) == ["a/old"]
            server.broken = False
            clock.advance(60)
            await settle()
        assert list(informer.keys()) == ["a/new"]
        assert len(server.watches) == 2
        lists = server.lists
        await settle()
        assert server.lists == lists, "once is enough"
        group.cancel()
