"""Asks the resolvers of the pcluster: a datagram first, a connection when the answer doesn't fit into one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

from headwater.syncer.dns.answers import NoAnswer
from headwater.syncer.dns.names import Labels
from headwater.syncer.dns.wire import Mismatch, Reply, parse_reply, question
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

Address = tuple[str, int]

TRY_SECONDS: Final = 2.0
"""So long one resolver has; a stub resolver gives up after five."""
_ROUNDS: Final = 2
_MOST_SERVERS: Final = 3
DNS_PORT: Final = 53

log = get_logger("syncer.dns")


def nameservers(text: str) -> list[Address]:
    """The resolvers that a resolv.conf names; the first three, as libc takes them."""
    lines = (line.split() for line in text.splitlines())
    found = [parts[1] for parts in lines if len(parts) > 1 and parts[0] == "nameserver"]
    return [(each, DNS_PORT) for each in found[:_MOST_SERVERS]]


class Forwarder:
    """Every question goes out under an id and from a port of its own, both random, so that no stranger can answer."""

    def __init__(self, servers: Sequence[Address], *, registry: Registry) -> None:
        assert servers, "somebody has to be asked"
        self._servers = servers
        self._failures = registry.counter(
            "syncer_dns_upstream_failures_total", "Questions to the pcluster's resolvers that got no answer."
        )

    async def ask(self, name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        """The first answer of a resolver. Raises NoAnswer."""
        for server in [*self._servers] * _ROUNDS:
            try:
                async with asyncio.timeout(TRY_SECONDS):
                    reply = await self._datagram(server, name, rdtype, dnssec_ok=dnssec_ok)
                    if reply.truncated:
                        reply = await self._connection(server, name, rdtype, dnssec_ok=dnssec_ok)
                    return reply
            except (TimeoutError, OSError, EOFError, Mismatch) as error:
                self._failures.inc()
                log.debug("no answer", server=server[0], error=f"{type(error).__name__}: {error}")
        raise NoAnswer

    async def _datagram(self, server: Address, name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        ident = secrets.randbits(16)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(ident, name, rdtype, loop.create_future())
        transport, _ = await loop.create_datagram_endpoint(lambda: waiting, remote_addr=server)
        try:
            transport.sendto(question(ident, name, rdtype, dnssec_ok=dnssec_ok))
            return await waiting.reply
        finally:
            transport.close()

    async def _connection(self, server: Address, name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        ident = secrets.randbits(16)
        reader, writer = await asyncio.open_connection(*server)
        try:
            data = question(ident, name, rdtype, dnssec_ok=dnssec_ok)
            writer.write(len(data).to_bytes(2, "big") + data)
            await writer.drain()
            length = int.from_bytes(await reader.readexactly(2), "big")
            return parse_reply(await reader.readexactly(length), ident, name, rdtype)
        finally:
            writer.close()


class _Waiting(asyncio.DatagramProtocol):
    """Waits for the datagram that answers one question; others are passed over."""

    def __init__(self, ident: int, name: Labels, rdtype: int, reply: asyncio.Future[Reply]) -> None:
        self._asked = (ident, name, rdtype)
        self.reply = reply

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            reply = parse_reply(data, *self._asked)
        except Mismatch:
            return
        if not self.reply.done():
            self.reply.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(exc)
