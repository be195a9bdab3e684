"""Two ends of a session in one process, and a peer that the test plays itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headwater.base.clock import Clock, SystemClock
from headwater.telemetry.metrics import Registry
from headwater.tunnel.frames import Frame, decode
from headwater.tunnel.interface import LinkBroken
from headwater.tunnel.metrics import SessionMetrics
from headwater.tunnel.session import Accept, Session, SessionLimits


class MemoryLink:
    """A link whose other end is another one. Few messages are under way, as on a network."""

    def __init__(self, room: int = 4) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue(room)
        self.peer: MemoryLink | None = None
        self.most_under_way = 0
        self.closed = ""

    async def send(self, message: bytes) -> None:
        assert self.peer is not None
        if self.peer.closed or self.closed:
            raise LinkBroken("the link is closed")
        await self.peer.inbox.put(message)

    async def receive(self) -> bytes:
        message = await self.inbox.get()
        if message is None:
            raise LinkBroken("the cable was cut")
        return message

    async def close(self, reason: str) -> None:
        self.closed = reason or "closed"
        assert self.peer is not None
        self.peer.cut()

    def cut(self) -> None:
        """Nothing more comes from the other end."""
        while self.inbox.full():
            self.inbox.get_nowait()
        self.inbox.put_nowait(None)


def linked() -> tuple[MemoryLink, MemoryLink]:
    one, other = MemoryLink(), MemoryLink()
    one.peer, other.peer = other, one
    return one, other


def session(
    link: MemoryLink, accept: Accept | None = None, clock: Clock | None = None, limits: SessionLimits | None = None
) -> Session:
    return Session(link, clock=clock or SystemClock(), metrics=SessionMetrics(Registry()), accept=accept, limits=limits)


@dataclass(slots=True)
class Pair:
    """The hub opens streams, the agent serves them."""

    hub: Session
    agent: Session
    hub_link: MemoryLink
    agent_link: MemoryLink
    hub_run: asyncio.Task[str]
    agent_run: asyncio.Task[str]


@asynccontextmanager
async def pair(accept: Accept, limits: SessionLimits | None = None) -> AsyncIterator[Pair]:
    one, other = linked()
    hub, agent = session(one, limits=limits), session(other, accept, limits=limits)
    runs = asyncio.create_task(hub.run()), asyncio.create_task(agent.run())
    try:
        async with asyncio.timeout(10):
            yield Pair(hub, agent, one, other, *runs)
    finally:
        hub.end("the test is over")
        agent.end("the test is over")
        await asyncio.gather(*runs)


class Peer:
    """A session's other end, frame by frame."""

    def __init__(self, link: MemoryLink) -> None:
        self._link = link

    async def send(self, frame: Frame) -> None:
        await self._link.send(frame.encode())

    async def receive(self) -> Frame:
        return decode(await self._link.receive())
