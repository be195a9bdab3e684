"""Takes queries by UDP and TCP and sends the answers, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.syncer.dns.wire import (
    SERVFAIL,
    TCP_BYTES,
    Query,
    Rejected,
    Reply,
    Unanswerable,
    header_only,
    may_be_query,
    parse_query,
    rcode_name,
    response,
)
from headwater.syncer.options import OptionsError
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

log = get_logger("syncer.dns")
_STOP_SECONDS: Final = 3.0

Answer = Callable[[Query], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes on at once. ``idle_seconds`` is for a connection without a query, or that doesn't read."""

    queries: int = 512
    connections: int = 64
    idle_seconds: float = 10.0


class DnsServer:
    """Listens on one address. What is over the limits is answered by a failure, or not let in."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        answer: Answer,
        clock: Clock,
        registry: Registry,
        limits: Limits | None = None,
    ) -> None:
        self._address = address
        self.port = port
        """The port that is listened on; with 0, known once `listening` is set."""
        self.listening = asyncio.Event()
        self._answer = answer
        self._clock = clock
        self._limits = limits or Limits()
        self._under_way = 0
        self._connections = 0
        self._group = TaskGroup("dns queries")
        self._count = registry.counter("syncer_dns_queries_total", "DNS queries by answer.", ["rcode"])
        self._seconds = registry.histogram(
            "syncer_dns_query_duration_seconds", "Seconds from a DNS query to its answer.", []
        )
        registry.gauge("syncer_dns_queries_in_flight", "DNS queries that are being answered.").set_function(
            lambda: self._under_way
        )

    async def run(self) -> None:
        """Serve until cancelled; then answer what is under way. Raises OptionsError for an address it can't have."""
        loop = asyncio.get_running_loop()
        tcp: asyncio.Server | None = None
        try:
            tcp = await asyncio.start_server(self._connected, self._address, self.port)
            self.port = tcp.sockets[0].getsockname()[1]
            udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._received), local_addr=(self._address, self.port)
            )
        except OSError as error:
            if tcp is not None:
                tcp.close()
            raise OptionsError(f"can't listen on {self._address} port {self.port}: {error.strerror}") from error
        self.listening.set()
        log.info("answering DNS queries", address=self._address, port=self.port)
        try:
            await loop.create_future()
        finally:
            tcp.close()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._group.wait()
            except TimeoutError:
                log.warning("stopped with queries under way", queries=self._under_way)
            await self._group.close()
            udp.close()

    def _received(self, udp: asyncio.DatagramTransport, data: bytes, peer: tuple[str, int]) -> None:
        async def serve() -> None:
            answer = await self._serve(data, datagram=True)
            if answer and not udp.is_closing():
                udp.sendto(answer, peer)

        if self._under_way < self._limits.queries:
            self._group.start(serve(), name="datagram")
            return
        refusal = self._refused(data)
        if refusal:
            udp.sendto(refusal, peer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of a connection one after the other."""
        self._connections += 1
        admitted = self._connections <= self._limits.connections
        try:
            while admitted:
                async with asyncio.timeout(self._limits.idle_seconds):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    data = await reader.readexactly(length)
                answer = await self._on_connection(data)
                if not answer:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                async with asyncio.timeout(self._limits.idle_seconds):
                    await writer.drain()
        except (TimeoutError, OSError, EOFError, RuntimeError):
            pass  # Gone, silent, or we stop: nobody is there to be told.
        finally:
            self._connections -= 1
            writer.close()

    async def _on_connection(self, data: bytes) -> bytes:
        if self._under_way >= self._limits.queries:
            return self._refused(data)
        return await self._group.start(self._serve(data, datagram=False), name="connection")

    async def _serve(self, data: bytes, *, datagram: bool) -> bytes:
        """The answer to a query; empty when there is to be none."""
        started = self._clock.monotonic()
        self._under_way += 1
        try:
            query = parse_query(data)
            reply = await self._answer(query)
            answer = response(query, reply, longest=query.udp_bytes if datagram else TCP_BYTES)
            self._count.labels(rcode_name(reply.rcode)).inc()
            return answer
        except Unanswerable:
            return b""
        except Rejected as error:
            self._count.labels(rcode_name(error.rcode)).inc()
            log.debug("query was refused", reason=str(error))
            if error.query is None:
                return header_only(data, error.rcode)
            return response(error.query, Reply(error.rcode), longest=error.query.udp_bytes)
        except Exception:
            # One query that brings out a bug must not end the service for all.
            log.error("a query failed", exc_info=True)
            return self._refused(data)
        finally:
            self._under_way -= 1
            self._seconds.observe(self._clock.monotonic() - started)

    def _refused(self, data: bytes) -> bytes:
        """A failure, without more work than a look at the header."""
        if not may_be_query(data):
            return b""
        self._count.labels(rcode_name(SERVFAIL)).inc()
        return header_only(data, SERVFAIL)


class _Datagrams(asyncio.DatagramProtocol):
    """Hands on every datagram with the way back."""

    def __init__(self, received: Callable[[asyncio.DatagramTransport, bytes, tuple[str, int]], None]) -> None:
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport) or hasattr(transport, "sendto"), "this is UDP"
        self._transport = transport  # type: ignore[assignment]  # uvloop's has no such base

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None:
            self._received(self._transport, data, addr)
