"""Keeps one tunnel open to each of the control plane's URLs for this SyncTarget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from headwater.apis.sync.v1alpha1.synctarget import GROUP, SYNC_TARGETS, VERSION
from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.connection import ConfigError
from headwater.client.interface import Query, TransportError
from headwater.client.websocket import WebSocketConnection
from headwater.machinery.errors import Forbidden, NotFound, StatusError
from headwater.machinery.objects import Object, deletion_timestamp, nested, uid
from headwater.syncer.access.forward import Forwarder, PClusterConnection
from headwater.syncer.identity import TargetIdentity
from headwater.telemetry.logging import get_logger
from headwater.tunnel.frames import MAX_MESSAGE_BYTES, PROTOCOL
from headwater.tunnel.interface import LinkBroken
from headwater.tunnel.metrics import SessionMetrics
from headwater.tunnel.session import Session

log = get_logger("syncer.access")

MAX_URLS: Final = 32
_STEADY_SECONDS: Final = 30.0
_RENEWAL_SECONDS: Final = 5.0


class Dialer(Protocol):
    """What is needed of a connection to the control plane; `client.transport.NetworkTransport` is one."""

    async def websocket(
        self, path: str, *, query: Query = (), protocol: str, max_message_bytes: int
    ) -> WebSocketConnection:
        """A WebSocket that speaks `protocol`."""
        ...

    def authorization(self) -> str:
        """The credential of now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The connections that access to pods takes: dialers by URL, and the pcluster."""

    dialer_for: Callable[[str], Dialer]
    pcluster: PClusterConnection


class Tunneler:
    """`follow` hears of the SyncTarget, `run` keeps the tunnels. What was cut is dialled again, ever more seldom."""

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        dialer_for: Callable[[str], Dialer],
        forwarder: Forwarder,
        clock: Clock,
        metrics: SessionMetrics,
    ) -> None:
        self._identity = identity
        self._dialer_for = dialer_for
        self._forwarder = forwarder
        self._clock = clock
        self._metrics = metrics
        self._wanted: tuple[str, ...] = ()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: TaskGroup | None = None
        self._problems: dict[str, str] = {}

    def follow(self, target: Object | None) -> None:
        """Open tunnels to what the SyncTarget says; none when it is gone, or another one."""
        ours = target is not None and uid(target) == self._identity.uid and not deletion_timestamp(target)
        entries = (nested(target, "status", "tunnelWorkspaces", default=None) or ()) if ours and target else ()
        self._wanted = tuple(dict.fromkeys(str(entry.get("url", "")) for entry in entries[:MAX_URLS]))
        for url in [url for url in self._tasks if url not in self._wanted]:
            self._tasks.pop(url).cancel()
            self._problems.pop(url, None)
        if self._group is None:
            return
        for url in self._wanted:
            if url not in self._tasks:
                self._problems[url] = "not connected yet"
                self._tasks[url] = self._group.start(self._keep(url), name=url)

    def problem(self) -> str | None:
        """What keeps tunnels from being open, for the health check."""
        return "; ".join(f"{url}: {text}" for url, text in self._problems.items()) or None

    async def run(self) -> None:
        """Keep the tunnels until cancelled."""
        async with TaskGroup("tunnels") as group:
            self._group = group
            try:
                for url in self._wanted:
                    self._tasks[url] = group.start(self._keep(url), name=url)
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    async def _keep(self, url: str) -> None:
        backoff = Backoff(initial=0.5, factor=2.0, maximum=60.0, jitter=1.0)
        while True:
            began = self._clock.monotonic()
            granted = True
            try:
                reason = await self._once(url)
            except (StatusError, TransportError, ConfigError) as error:
                reason = str(error)
                granted = not isinstance(error, Forbidden | NotFound)
            if self._clock.monotonic() - began > _STEADY_SECONDS:
                backoff.reset()
            if granted:
                self._problems[url] = reason
            else:
                # Whoever registered the pcluster did not want it, or the control plane has none: no fault of ours.
                self._problems.pop(url, None)
            delay = backoff.next()
            log.warning("no tunnel", url=url, reason=reason, retry_in=round(delay, 1))
            await self._clock.sleep(delay)

    async def _once(self, url: str) -> str:
        """One tunnel, to its end; answers why it ended. Raises what opening it raises."""
        parts = urlsplit(url)
        dialer = self._dialer_for(f"{parts.scheme}://{parts.netloc}")
        shown = dialer.authorization()
        socket = await dialer.websocket(
            f"{parts.path.rstrip('/')}{tunnel_path(self._identity)}",
            query=[("uid", self._identity.uid)],
            protocol=PROTOCOL,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )
        session = Session(_SocketLink(socket), clock=self._clock, metrics=self._metrics, accept=self._forwarder.serve)
        self._problems.pop(url, None)
        log.info("tunnel is open", url=url)
        async with TaskGroup("tunnel") as group:
            renewing = group.start(self._renew(session, dialer, shown), name="credential")
            reason = await session.run()
            renewing.cancel()
        return reason

    async def _renew(self, session: Session, dialer: Dialer, shown: str) -> None:
        """Show each new credential while the old one is still good."""
        while True:
            await self._clock.sleep(_RENEWAL_SECONDS)
            try:
                current = dialer.authorization()
            except ConfigError as error:
                log.warning("the credential can't be read", error=str(error))
                continue
            if current != shown:
                shown = current
                session.renew(current)


def tunnel_path(identity: TargetIdentity) -> str:
    """Where the tunnel of a SyncTarget is, below its logical cluster."""
    return f"/apis/{GROUP}/{VERSION}/{SYNC_TARGETS.resource}/{quote(identity.name)}/tunnel"


class _SocketLink:
    """A WebSocket of the client as the link of a session."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket

    async def send(self, message: bytes) -> None:
        try:
            await self._socket.send(message)
        except TransportError as error:
            raise LinkBroken(str(error)) from error

    async def receive(self) -> bytes:
        try:
            return await self._socket.receive()
        except TransportError as error:
            raise LinkBroken(str(error)) from error

    async def close(self, reason: str) -> None:
        await self._socket.close(reason)
