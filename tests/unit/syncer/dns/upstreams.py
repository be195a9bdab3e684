"""A small DNS server in the test's loop, in the part of the pcluster's resolver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message


@dataclass(slots=True)
class Upstream:
    """Answers by ``answer``, which may give None for silence; a datagram may get several answers."""

    answer: Callable[[dns.message.Message], dns.message.Message | None]
    port: int = 0
    truncate: bool = False
    forge: Callable[[bytes], list[bytes]] = lambda right: [right]
    idents: list[int] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    connections: int = 0

    def reply(self, data: bytes) -> bytes | None:
        asked = dns.message.from_wire(data)
        self.idents.append(asked.id)
        found = self.answer(asked)
        return found.to_wire() if found is not None else None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._upstream.ports.append(addr[1])
        found = self._upstream.reply(data)
        if found is None:
            return
        if self._upstream.truncate:
            short = dns.message.make_response(dns.message.from_wire(data))
            short.flags |= dns.flags.TC
            found = short.to_wire()
        for each in self._upstream.forge(found):
            self._transport.sendto(each, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[Upstream]:
    """Listen by UDP and TCP on a port of 127.0.0.1."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        found = upstream.reply(data) or b""
        writer.write(len(found).to_bytes(2, "big") + found)
        await writer.drain()
        writer.close()

    tcp = await asyncio.start_server(connected, "127.0.0.1", 0)
    upstream.port = tcp.sockets[0].getsockname()[1]
    udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(upstream), local_addr=("127.0.0.1", upstream.port)
    )
    try:
        yield upstream
    finally:
        udp.close()
        tcp.close()
