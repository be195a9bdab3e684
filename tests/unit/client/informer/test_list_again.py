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
    """A watch on which nothing happens until it is closed, but for a bookmark."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()

    def bookmark(self, version: str) -> None:
        """Tell how far the server has come."""
        event = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
        self._lines.put_nowait(jsonio.dumps(event) + b"\n")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._lines.get()

    async def close(self) -> None:
        self.closed.set()


class Silent:
    """Lists what `names` say, and never tells of a change."""

    def __init__(self) -> None:
        self.names = ["old"]
        self.data = "old"
        self.reached = "9"
        self.lists = 0
        self.broken = False
        self.watches: list[_Silence] = []

    async def request(self, method: str, path: str, **_: object) -> RawResponse:
        self.lists += 1
        if self.broken:
            raise TransportError("nobody there", sent=False)
        meta = {"namespace": "a", "resourceVersion": "7"}
        items = [{"metadata": {"name": name, **meta}, "data": {"at": self.data}} for name in self.names]
        return RawResponse(200, {}, jsonio.dumps({"metadata": {"resourceVersion": self.reached}, "items": items}))

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


@pytest.mark.parametrize("version", ["²", "9" * 5000], ids=["no-number", "endless"])
async def test_a_version_that_nobody_counts_to_ends_no_informer(version: str) -> None:
    """A server that sends such a thing is not behind, and the next change is heard of as always."""
    server, clock = Silent(), ManualClock()
    informer = Informer(
        ClusterClient(server).cluster("").resource(CONFIG_MAPS), name="maps", clustered=False, clock=clock
    )
    async with TaskGroup("test") as group:
        running = group.start(informer.run())
        await settle()
        server.watches[0].bookmark(version)
        server.watches[0].bookmark("10")
        await settle()
        assert not running.done()
        assert (informer.position, server.lists) == ("10", 1)
        server.names, server.reached = ["new"], version
        informer.list_again()
        await settle()
        assert list(informer.keys()) == ["a/new"]
        group.cancel()


async def test_what_has_the_same_version_may_be_another_state() -> None:
    """A server that went back counts to it a second time; what really is the same is no news."""
    server, clock = Silent(), ManualClock()
    informer = Informer(
        ClusterClient(server).cluster("").resource(CONFIG_MAPS), name="maps", clustered=False, clock=clock
    )
    heard: list[tuple[str, str]] = []
    informer.add_handler(lambda kind, _, new: heard.append((kind, (new or {})["data"]["at"])))
    async with TaskGroup("test") as group:
        group.start(informer.run())
        await settle()
        assert heard == [("ADDED", "old")]
        informer.list_again()
        await settle()
        assert len(heard) == 1
        server.data = "new"
        informer.list_again()
        await settle()
        assert heard[1:] == [("MODIFIED", "new")]
        server.data, server.reached = "newest", "8"
        server.watches[-1].bookmark(server.reached)
        await settle()
        assert heard[2:] == [("MODIFIED", "newest")]
        group.cancel()
