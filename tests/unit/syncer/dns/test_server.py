"""The DNS server and its questions to the pcluster's resolver, over real sockets."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from tests.unit.syncer.dns.messages import labels, lines, reply
from tests.unit.syncer.dns.upstreams import Upstream, serving

from headwater.base.clock import SystemClock
from headwater.syncer.dns import forward
from headwater.syncer.dns.answers import NoAnswer
from headwater.syncer.dns.forward import Forwarder, nameservers
from headwater.syncer.dns.run import resolvers
from headwater.syncer.dns.server import DnsServer, Limits
from headwater.syncer.dns.wire import Query, Reply
from headwater.syncer.options import OptionsError, check_cluster_domain
from headwater.telemetry.metrics import Registry

HOST = "127.0.0.1"


def addresses(count: int) -> Callable[[dns.message.Message], dns.message.Message]:
    """Answers every question with so many addresses."""

    def answer(asked: dns.message.Message) -> dns.message.Message:
        found = dns.message.make_response(asked)
        owner = asked.question[0].name
        found.answer = [dns.rrset.from_text(owner, 5, "IN", "A", *(f"10.0.0.{each}" for each in range(count)))]
        return found

    return answer


@asynccontextmanager
async def server(
    answer: Callable[[Query], Awaitable[Reply]], registry: Registry | None = None, **limits: float
) -> AsyncIterator[DnsServer]:
    """A server on a free port, stopped as a process is."""
    bounds = Limits(**limits)  # type: ignore[arg-type]
    found = DnsServer(HOST, 0, answer=answer, clock=SystemClock(), registry=registry or Registry(), limits=bounds)
    running = asyncio.create_task(found.run())
    try:
        await asyncio.wait_for(found.listening.wait(), 20)
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def long_answer(query: Query) -> Reply:
    return reply("a.b", "A", [f"a.b. 5 IN A 10.0.0.{each}" for each in range(60)])


async def datagram(port: int, data: bytes) -> bytes:
    """The answer to raw bytes."""
    loop = asyncio.get_running_loop()
    received: asyncio.Future[bytes] = loop.create_future()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            received.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=(HOST, port))
    try:
        transport.sendto(data)
        return await asyncio.wait_for(received, 20)
    finally:
        transport.close()


async def test_datagrams_and_connections() -> None:
    """What is too long for a datagram comes by TCP; several queries may use one connection."""
    registry = Registry()
    async with server(long_answer, registry) as found:
        asked = dns.message.make_query("a.b", "A")
        short = await dns.asyncquery.udp(asked, HOST, port=found.port, timeout=20)
        assert short.flags & dns.flags.TC
        assert not short.answer
        reader, writer = await asyncio.open_connection(HOST, found.port)
        for _ in range(2):
            wire = asked.to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            assert len(dns.message.from_wire(await reader.readexactly(length)).answer[0]) == 60
        writer.close()
    assert b'syncer_dns_queries_total{rcode="NOERROR"} 3.0' in registry.render()


async def test_bad_queries_are_answered_and_forgotten() -> None:
    async with server(long_answer) as found:
        malformed = await datagram(found.port, struct.pack("!HHHHHH", 5, 0, 1, 0, 0, 0) + b"\xc0\x0c")
        assert dns.message.from_wire(malformed).rcode() == dns.rcode.FORMERR
        update = await datagram(found.port, struct.pack("!HHHHHH", 5, 0x2800, 1, 0, 0, 0))
        assert update[3] & 0xF == dns.rcode.NOTIMP
        transfer = await dns.asyncquery.udp(dns.message.make_query("a.b", "ANY"), HOST, port=found.port, timeout=20)
        assert transfer.rcode() == dns.rcode.REFUSED
        reader, writer = await asyncio.open_connection(HOST, found.port)
        writer.write(b"\0\3abc")
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_bug_in_one_answer_is_a_failure_of_that_query() -> None:
    async def broken(query: Query) -> Reply:
        if query.name == labels("bad.example"):
            raise KeyError("a bug")
        if query.name == labels("unsendable.example"):
            found = reply("a.b", "A", ["a.b. 5 IN A 10.0.0.1"])
            return replace(found, answer=(replace(found.answer[0], owner=(b"x" * 64,)),))
        return Reply(0)

    async with server(broken) as found:
        for name, rcode in (
            ("bad.example", dns.rcode.SERVFAIL),
            ("unsendable.example", dns.rcode.SERVFAIL),
            ("good.example", dns.rcode.NOERROR),
        ):
            answer = await dns.asyncquery.udp(dns.message.make_query(name, "A"), HOST, port=found.port, timeout=20)
            assert answer.rcode() == rcode


async def test_what_is_too_much_fails_at_once() -> None:
    """Queries over the limit get a failure, connections over it are closed, silent ones do not stay."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(query: Query) -> Reply:
        entered.set()
        await leave.wait()
        return Reply(0)

    async with server(slow, queries=1, connections=1, idle_seconds=0.2) as found:
        asked = dns.message.make_query("a.b", "A")
        first = asyncio.create_task(dns.asyncquery.udp(asked, HOST, port=found.port, timeout=20))
        await entered.wait()
        assert (await datagram(found.port, asked.to_wire()))[3] & 0xF == dns.rcode.SERVFAIL
        second = await dns.asyncquery.tcp(asked, HOST, port=found.port, timeout=20)
        assert second.rcode() == dns.rcode.SERVFAIL
        leave.set()
        assert (await first).rcode() == dns.rcode.NOERROR
        silent, over = [await asyncio.open_connection(HOST, found.port) for _ in range(2)]
        for reader, writer in (over, silent):
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()


async def test_what_is_under_way_is_answered_before_the_end() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(query: Query) -> Reply:
        entered.set()
        await leave.wait()
        return Reply(0)

    found = DnsServer(HOST, 0, answer=slow, clock=SystemClock(), registry=Registry())
    running = asyncio.create_task(found.run())
    await found.listening.wait()
    asking = asyncio.create_task(
        dns.asyncquery.udp(dns.message.make_query("a.b", "A"), HOST, port=found.port, timeout=20)
    )
    await entered.wait()
    running.cancel()
    leave.set()
    assert (await asking).rcode() == dns.rcode.NOERROR
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_address_that_is_taken() -> None:
    async with server(long_answer) as found:
        again = DnsServer(HOST, found.port, answer=long_answer, clock=SystemClock(), registry=Registry())
        with pytest.raises(OptionsError, match=f"can't listen on {HOST} port {found.port}"):
            await again.run()


async def ask(upstream: Upstream, **kwargs: bool) -> list[str]:
    found = await Forwarder([(HOST, upstream.port)], registry=Registry()).ask(labels("a.b"), 1, dnssec_ok=False)
    return lines(found)


async def test_every_question_has_its_own_id_and_port() -> None:
    async with serving(Upstream(addresses(1))) as upstream:
        for _ in range(8):
            assert await ask(upstream) == ["a.b A 10.0.0.0"]
    assert len(set(upstream.idents)) > 6
    assert len(set(upstream.ports)) > 1


async def test_a_truncated_answer_is_asked_for_by_tcp() -> None:
    async with serving(Upstream(addresses(60), truncate=True)) as upstream:
        assert len(await ask(upstream)) == 60
        assert upstream.connections == 1


async def test_forged_answers_are_passed_over() -> None:
    """Another id, and another question: neither is taken for the answer, which comes after them."""
    other = addresses(2)(dns.message.make_query("c.d", "A")).to_wire()

    def forge(right: bytes) -> list[bytes]:
        return [bytes([right[0] ^ 0xFF]) + right[1:], right[:2] + other[2:], b"junk", right]

    async with serving(Upstream(addresses(1), forge=forge)) as upstream:
        assert await ask(upstream) == ["a.b A 10.0.0.0"]


async def test_the_next_resolver_is_asked_when_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "TRY_SECONDS", 1.0)
    async with serving(Upstream(lambda asked: None)) as silent, serving(Upstream(addresses(1))) as good:
        registry = Registry()
        both = Forwarder([(HOST, silent.port), (HOST, good.port)], registry=registry)
        assert (await both.ask(labels("a.b"), 1, dnssec_ok=False)).answer
        assert b"syncer_dns_upstream_failures_total 1.0" in registry.render()
        monkeypatch.setattr(forward, "TRY_SECONDS", 0.1)  # Nobody answers however long it takes.
        with pytest.raises(NoAnswer):
            await Forwarder([(HOST, silent.port)], registry=Registry()).ask(labels("a.b"), 1, dnssec_ok=False)


def test_resolv_conf() -> None:
    conf = "# c\nsearch a b\nnameserver 10.96.0.10\nnameserver\nnameserver fd00::a\n"
    conf += "nameserver 1.1.1.1\nnameserver 2.2.2.2\n"
    assert nameservers(conf) == [("10.96.0.10", 53), ("fd00::a", 53), ("1.1.1.1", 53)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", ("10.0.0.1", 53)),
        ("10.0.0.1:5353", ("10.0.0.1", 5353)),
        ("fd00::a", ("fd00::a", 53)),
        ("[fd00::a]:5353", ("fd00::a", 5353)),
        ("[fd00::a]", ("fd00::a", 53)),
        ("10.0.0.1:x", None),
        (":53", None),
        ("10.0.0.1:0", None),
    ],
)
def test_upstream_flag(text: str, address: tuple[str, int] | None) -> None:
    if address is None:
        with pytest.raises(OptionsError, match="is not host or host:port"):
            resolvers([text])
    else:
        assert resolvers([text]) == [address]


def test_where_resolvers_are_found(tmp_path) -> None:  # type: ignore[no-untyped-def]
    conf = tmp_path / "resolv.conf"
    with pytest.raises(OptionsError, match="can't read"):
        resolvers([], conf)
    conf.write_text("search a\n")
    with pytest.raises(OptionsError, match="has no nameserver"):
        resolvers([], conf)
    conf.write_text("nameserver 10.0.0.1\n")
    assert resolvers([], conf) == [("10.0.0.1", 53)]


@pytest.mark.parametrize("domain", ["", "Cluster.local", "a..b", "-a.b", "a b", "x" * 64, ".".join(["a" * 60] * 3)])
def test_cluster_domain(domain: str) -> None:
    check_cluster_domain("k8s.example.com")
    with pytest.raises(OptionsError, match="--cluster-domain"):
        check_cluster_domain(domain)
