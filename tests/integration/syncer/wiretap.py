"""A syncer whose requests are noted, with watches of its pcluster that can be held back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.integration.servers import eventually
from tests.integration.syncer.conftest import Line

from headwater.base import jsonio
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Query, RawResponse, Stream, Transport
from headwater.client.transport import NetworkTransport
from headwater.machinery.conditions import is_true
from headwater.machinery.objects import name
from headwater.syncer.agent import Agent
from headwater.syncer.run import downstream_settings, trusted_by, upstream_settings

_NO_CHANGE = ("/synctargets/", "/selfsubjectaccessreviews", "/selfsubjectrulesreviews", "/events")
"""Writes that concern no synced object: heartbeats, questions about rights, and Events that come up."""


async def _nothing(_method: str, _path: str) -> None: ...


@dataclass(slots=True)
class Wire:
    """What was written through one side's transport, as `(method, path of the object)`."""

    writes: list[tuple[str, str]] = field(default_factory=list)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    listing: asyncio.Event = field(default_factory=asyncio.Event)
    listed: list[str] = field(default_factory=list)
    """Paths that were read."""
    listed_late: str = ""
    """How the paths of lists end that wait for `listing`."""
    went_back: bool = False
    """Whether the server says that it has reached one resourceVersion only, when it is asked for nothing else."""
    before_write: Callable[[str, str], Awaitable[None]] = _nothing

    def of(self, ending: str) -> list[str]:
        """The methods of all writes to paths with this ending, in order."""
        return [method for method, path in self.writes if path.endswith(ending)]


class _Tapped:
    """A transport behind a wire."""

    def __init__(self, inner: NetworkTransport, wire: Wire) -> None:
        self._inner = inner
        self._wire = wire

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> RawResponse:
        if method not in ("GET", "HEAD") and not any(part in path for part in _NO_CHANGE):
            named = f"{path}/{name(jsonio.loads(body))}" if method == "POST" else path
            self._wire.writes.append((method, named))
            await self._wire.before_write(method, named)
        if method == "GET" and self._wire.listed_late and path.endswith(self._wire.listed_late):
            await self._wire.listing.wait()
        answer = await self._inner.request(method, path, query=query, headers=headers, body=body, timeout=timeout)
        if method == "GET":
            self._wire.listed.append(path)
        if self._wire.went_back and ("limit", "1") in query:
            page = {**jsonio.loads(answer.body), "metadata": {"resourceVersion": "1"}}
            return replace(answer, body=jsonio.dumps(page))
        return answer

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Stream:
        inner = await self._inner.stream(method, path, query=query, headers=headers, body=body, timeout=timeout)
        return _Held(inner, self._wire.flowing)

    async def close(self) -> None:
        await self._inner.close()


class _Held:
    """A stream whose chunks come while they may flow."""

    def __init__(self, inner: Stream, flowing: asyncio.Event) -> None:
        self._inner = inner
        self._flowing = flowing

    @property
    def status(self) -> int:
        return self._inner.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._inner.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            await self._flowing.wait()
            yield chunk

    async def close(self) -> None:
        await self._inner.close()


@dataclass(frozen=True, slots=True)
class Tap:
    """The wires of both sides."""

    up: Wire
    down: Wire


@asynccontextmanager
async def tapped(line: Line, *, listed_late: str = "") -> AsyncIterator[Tap]:
    """Run the line's agent so that all it writes is noted, in place of the one that runs.

    The pcluster lists the resource ``listed_late`` when that is let go.
    """
    await line.stop_agent()
    tap = Tap(Wire(), Wire(listed_late=listed_late))
    tap.up.flowing.set()
    tap.down.flowing.set()
    settings, workspace = upstream_settings(line.options)
    up = NetworkTransport(settings)
    down = NetworkTransport(downstream_settings(line.options))

    def transport_for(_url: str) -> Transport:
        return _Tapped(up, tap.up)

    agent = Agent(
        replace(line.options, from_cluster=workspace),
        control_plane=ClusterClient(transport_for(settings.server)),
        pcluster=ClusterClient(_Tapped(down, tap.down)),
        transport_for=transport_for,
        ca_bundle=trusted_by(settings),
    )
    line.agent = asyncio.create_task(agent.run())
    try:

        async def ready() -> bool:
            return is_true(await line.sync_target(), "Ready")

        await eventually(ready)
        yield tap
    finally:
        await line.stop_agent()
        await up.close()
        await down.close()
