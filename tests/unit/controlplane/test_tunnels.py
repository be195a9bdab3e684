"""The control plane's book of tunnels, its second looks, and the last word to a client."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.base.test_channel import Memory, fed
from tests.unit.tunnel.links import linked, session

from headwater.base import jsonio
from headwater.base.channel import ChannelBroken
from headwater.base.clock import ManualClock
from headwater.controlplane.tunnels.parting import parting
from headwater.controlplane.tunnels.rechecks import RECHECK_SECONDS, Rechecks
from headwater.controlplane.tunnels.registry import (
    MAX_STREAMS_PER_CLUSTER,
    MAX_TUNNELS_PER_TARGET,
    NoTunnel,
    TooManyTunnels,
    TunnelRegistry,
)
from headwater.machinery.errors import Forbidden, ServiceUnavailable, StatusError, Unauthorized
from headwater.tunnel.session import TooManyStreams
from headwater.tunnel.spdy import Decoder as SpdyDecoder
from headwater.tunnel.spdy import Encoder as SpdyEncoder
from headwater.tunnel.websocket import Decoder, Opcode, encode


async def test_the_newest_live_tunnel_of_the_target_is_used() -> None:
    registry = TunnelRegistry()
    old, new, other = (session(linked()[0]) for _ in range(3))
    remove = [registry.add(key, each, "org") for key, each in (("east", old), ("east", new), ("west", other))]
    registry.open("east", "shop", b"")
    assert (old.streams, new.streams, other.streams) == (0, 1, 0)
    new.end("cut")
    registry.open("east", "shop", b"")
    assert old.streams == 1
    for each in remove:
        each()
    assert len(registry) == 0
    with pytest.raises(NoTunnel):
        registry.open("east", "shop", b"")


async def test_too_many_tunnels_of_a_target_end_the_oldest() -> None:
    registry = TunnelRegistry()
    sessions = [session(linked()[0]) for _ in range(MAX_TUNNELS_PER_TARGET + 1)]
    for each in sessions:
        registry.add("east", each, "org")
    assert [each.alive for each in sessions] == [False, *[True] * MAX_TUNNELS_PER_TARGET]


async def test_owners_of_many_tunnels_make_room_for_others() -> None:
    """One of them can't keep all others out, and nobody takes the last one of somebody who has no more."""
    registry = TunnelRegistry(limit=4)
    greedy = [session(linked()[0]) for _ in range(3)]
    for number, each in enumerate(greedy):
        registry.add(f"g{number}", each, "greedy")
    other, late = session(linked()[0]), session(linked()[0])
    registry.add("o", other, "other")
    for refused in ("greedy", "third"):
        assert registry.is_full_for(refused) is (refused == "greedy")
    with pytest.raises(TooManyTunnels):
        registry.add("g3", session(linked()[0]), "greedy")
    registry.add("t", late, "third")
    assert [each.alive for each in (*greedy, other, late)] == [False, True, True, True, True]


async def test_a_workspace_leaves_room_for_others() -> None:
    registry = TunnelRegistry()
    registry.add("east", session(linked()[0]), "org")
    taken = [registry.open("east", "shop", b"") for _ in range(MAX_STREAMS_PER_CLUSTER)]
    with pytest.raises(TooManyStreams):
        registry.open("east", "shop", b"")
    registry.open("east", "blog", b"")
    taken[0][1]()
    registry.open("east", "shop", b"")


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (Unauthorized("gone"), True),
        (Forbidden("role taken away"), True),
        (ServiceUnavailable("the store is down"), False),
    ],
)
async def test_only_a_refusal_ends_something(error: StatusError, ended: bool) -> None:
    clock = ManualClock()
    rechecks = Rechecks(clock)
    looks, ends = 0, list[str]()

    async def check() -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise error

    forget = rechecks.add(check, ends.append)
    running = asyncio.create_task(rechecks.run())
    for _ in range(3):
        while not clock.sleeping:
            await asyncio.sleep(0)
        clock.advance(RECHECK_SECONDS)
        await asyncio.sleep(0)
    while not clock.sleeping:
        await asyncio.sleep(0)
    assert bool(ends) is ended
    assert len(rechecks) == (0 if ended else 1)
    forget()
    assert len(rechecks) == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


V5 = {"upgrade": "websocket", "sec-websocket-protocol": "v5.channel.k8s.io"}


async def test_a_websocket_client_is_told_why_a_command_was_cut() -> None:
    """As the command's failure, and in the close frame."""
    client, stream = Memory(), fed(encode(Opcode.BINARY, b"\x01output"), "the tunnel broke")
    assert await parting(client, stream, V5) == "the tunnel broke"
    messages = list(Decoder(masked=False, max_message_bytes=10_000).feed(b"".join(client.written)))
    assert messages[0].payload == b"\x01output"
    assert messages[1].payload[:1] == b"\x03"
    assert jsonio.loads(messages[1].payload[1:])["message"] == "the tunnel broke"
    assert messages[2].opcode is Opcode.CLOSE
    assert messages[2].payload[2:] == b"the tunnel broke"


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("v4.channel.k8s.io", b'"message":"the tunnel broke"'),
        ("v3.channel.k8s.io", b"the tunnel broke"),
        ("portforward.k8s.io", b""),
    ],
)
async def test_a_spdy_client_is_told_on_the_stream_of_the_outcome(protocol: str, said: bytes) -> None:
    """Which without a word would take the command for one that succeeded."""
    asked = SpdyEncoder().syn_stream(3, {"streamType": "error"})
    client, stream = fed(asked), Memory()
    running = asyncio.ensure_future(
        parting(client, stream, {"upgrade": "SPDY/3.1", "x-stream-protocol-version": protocol})
    )
    while not stream.written:
        await asyncio.sleep(0)
    stream.incoming.put_nowait("the tunnel broke")
    assert await running == "the tunnel broke"
    assert stream.written == [asked]
    frames = list(SpdyDecoder().feed(b"".join(client.written)))
    assert [(frame.number, frame.fin) for frame in frames] == ([(3, True)] if said else [])
    assert all(said in frame.payload for frame in frames)


@pytest.mark.parametrize(
    ("last", "headers"),
    [
        pytest.param(encode(Opcode.BINARY, b"\x01output")[:4], V5, id="within a frame"),
        pytest.param(b"\x00\x00\x00\x01", {"upgrade": "SPDY/3.1"}, id="no stream for it"),
    ],
)
async def test_nothing_is_put_where_it_would_be_taken_for_data(last: bytes, headers: dict[str, str]) -> None:
    client, stream = Memory(), fed(last, "the tunnel broke")
    await parting(client, stream, headers)
    assert client.written == [last]
    assert client.closed == "the tunnel broke"


async def test_an_end_in_order_is_the_programs_own() -> None:
    client, stream = Memory(), fed(encode(Opcode.CLOSE, b""), b"")
    assert await parting(client, stream, V5) == ""
    assert client.written == [encode(Opcode.CLOSE, b"")]


async def test_a_client_that_is_gone_is_not_told() -> None:
    class Gone(Memory):
        async def write(self, data: bytes) -> None:
            raise ChannelBroken("gone")

    client = Gone()
    assert await parting(client, fed("cut"), V5) == "cut"
    assert client.closed == "cut"
