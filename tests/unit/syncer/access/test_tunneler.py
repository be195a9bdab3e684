"""Which tunnels an agent keeps open, and how it dials again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from headwater.base.clock import ManualClock
from headwater.client.interface import Query, TransportError
from headwater.client.websocket import WebSocketConnection
from headwater.machinery.errors import Forbidden, ServiceUnavailable
from headwater.syncer.access.tunneler import Tunneler, tunnel_path
from headwater.syncer.identity import TargetIdentity
from headwater.telemetry.metrics import Registry
from headwater.tunnel.metrics import SessionMetrics

IDENTITY = TargetIdentity("2x8k3", "west", "u1")


class Socket:
    """A connection on which nothing comes until it is cut."""

    def __init__(self) -> None:
        self.cut: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(self, message: bytes) -> None:
        return

    async def receive(self) -> bytes:
        await self.cut
        raise TransportError("cut")

    async def close(self, reason: str = "") -> None:
        if not self.cut.done():
            self.cut.set_result(None)


class Dialer:
    """Notes what is dialled, and answers with sockets or with an error."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, str, Query]] = []
        self.sockets: list[Any] = []
        self.error: Exception | None = None
        self.origin = ""

    def at(self, origin: str) -> Dialer:
        self.origin = origin
        return self

    def authorization(self) -> str:
        return "Bearer x"

    async def websocket(
        self, path: str, *, query: Query = (), protocol: str, max_message_bytes: int
    ) -> WebSocketConnection:
        self.dialled.append((self.origin, path, query))
        if self.error is not None:
            raise self.error
        self.sockets.append(Socket())
        found: WebSocketConnection = self.sockets[-1]
        return found


class Refusing:
    async def serve(self, stream: object) -> None:
        return


def target(*urls: str, uid: str = "u1", **meta: Any) -> dict[str, Any]:
    entries = [{"url": url} for url in urls]
    return {"metadata": {"name": "west", "uid": uid, **meta}, "status": {"tunnelWorkspaces": entries}}


@asynccontextmanager
async def running(dialer: Dialer, clock: ManualClock) -> AsyncIterator[Tunneler]:
    tunneler = Tunneler(
        identity=IDENTITY, dialer_for=dialer.at, forwarder=Refusing(),  # type: ignore[arg-type]
        clock=clock, metrics=SessionMetrics(Registry()),
    )  # fmt: skip
    task = asyncio.create_task(tunneler.run())
    await asyncio.sleep(0)
    try:
        yield tunneler
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_one_tunnel_to_each_url_of_our_own_target() -> None:
    """And none to those that it no longer names."""
    dialer = Dialer()
    async with running(dialer, ManualClock()) as tunneler:
        tunneler.follow(target("https://a:1/clusters/2x8k3", "https://b:2/base/clusters/2x8k3"))
        await until(lambda: len(dialer.sockets) == 2)
        path = tunnel_path(IDENTITY)
        assert {each[:2] for each in dialer.dialled} == {
            ("https://a:1", f"/clusters/2x8k3{path}"),
            ("https://b:2", f"/base/clusters/2x8k3{path}"),
        }
        assert dialer.dialled[0][2] == [("uid", "u1")]
        await until(lambda: tunneler.problem() is None)
        tunneler.follow(target("https://b:2/base/clusters/2x8k3"))
        await until(lambda: [each.cut.done() for each in dialer.sockets] == [True, False])
        assert len(dialer.dialled) == 2


@pytest.mark.parametrize(
    "gone",
    [None, target("https://a:1/x", uid="another"), target("https://a:1/x", deletionTimestamp="2026-01-01T00:00:00Z")],
    ids=["deleted", "made anew", "on its way out"],
)
async def test_a_target_that_is_gone_has_no_tunnel(gone: dict[str, Any] | None) -> None:
    dialer = Dialer()
    async with running(dialer, ManualClock()) as tunneler:
        tunneler.follow(target("https://a:1/x"))
        await until(lambda: len(dialer.sockets) == 1)
        tunneler.follow(gone)
        await until(lambda: bool(dialer.sockets[0].cut.done()))
        assert tunneler.problem() is None


async def test_a_cut_tunnel_is_dialled_again_ever_more_seldom() -> None:
    dialer, clock = Dialer(), ManualClock()
    dialer.error = ServiceUnavailable("starting")
    async with running(dialer, clock) as tunneler:
        tunneler.follow(target("https://a:1/x"))
        waits = []
        for attempt in range(1, 9):
            await until(lambda attempt=attempt: len(dialer.dialled) == attempt and clock.sleeping == 1)  # type: ignore[misc]
            assert "starting" in str(tunneler.problem())
            before = clock.monotonic()
            while len(dialer.dialled) == attempt:
                clock.advance(0.25)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            waits.append(clock.monotonic() - before)
        assert waits[0] <= 1.25
        assert max(waits) > 16
        assert all(wait <= 121 for wait in waits)


async def test_what_was_not_granted_is_no_problem_of_the_syncer() -> None:
    """It stays ready, and asks again now and then."""
    dialer, clock = Dialer(), ManualClock()
    dialer.error = Forbidden("no")
    async with running(dialer, clock) as tunneler:
        tunneler.follow(target("https://a:1/x"))
        await until(lambda: bool(dialer.dialled) and clock.sleeping == 1)
        assert tunneler.problem() is None
        dialer.error = None
        clock.advance(2.0)
        await until(lambda: len(dialer.sockets) == 1)
