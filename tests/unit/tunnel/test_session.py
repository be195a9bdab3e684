"""Sessions: many streams over one link, bounded, and ended with a reason."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.tunnel.links import Peer, linked, pair, session

from headwater.base.channel import ChannelBroken
from headwater.base.clock import ManualClock
from headwater.tunnel.frames import MAX_DATA_BYTES, WINDOW_BYTES, Frame, FrameType, reason_frame, window_frame
from headwater.tunnel.session import SessionLimits, TooManyStreams
from headwater.tunnel.stream import Stream


async def echo(stream: Stream) -> None:
    stream.reply(b"answer to " + stream.head)
    while data := await stream.read():
        await stream.write(data)


async def read_all(stream: Stream) -> bytes:
    found = b""
    while data := await stream.read():
        found += data
    return found


async def test_a_stream_from_its_request_to_its_end() -> None:
    async with pair(echo) as ends:
        stream = ends.hub.open(b"request")
        assert await stream.answer() == b"answer to request"
        await stream.write(b"one")
        assert await stream.read() == b"one"
        stream.end()
        assert await stream.read() == b""
        assert stream.over
        assert ends.hub.streams == 0


@given(st.lists(st.binary(max_size=3 * WINDOW_BYTES), max_size=6), st.integers())
def test_streams_keep_their_bytes_apart_and_in_order(contents: list[bytes], seed: int) -> None:
    """Each stream echoes what it got, more than its window too, while all of them share a narrow link."""

    async def run() -> None:
        order = random.Random(seed)
        async with pair(echo) as ends:

            async def once(content: bytes) -> None:
                stream = ends.hub.open(b"")
                reading = asyncio.create_task(read_all(stream))
                at = 0
                while at < len(content):
                    step = order.randrange(1, 90_000)
                    await stream.write(content[at : at + step])
                    at += step
                stream.end()
                assert await reading == content

            await asyncio.gather(*(once(content) for content in contents))
            assert ends.hub.streams == 0

    asyncio.run(run())


async def test_a_reader_that_stops_holds_up_its_own_stream_only() -> None:
    """The writer gets rid of a window's worth and no more, and other streams go on."""
    sent = 0

    async def pour(stream: Stream) -> None:
        nonlocal sent
        if stream.head == b"echo":
            await echo(stream)
            return
        while True:
            await stream.write(bytes(1000))
            sent += 1000

    async with pair(pour) as ends:
        slow = ends.hub.open(b"pour")
        other = ends.hub.open(b"echo")
        for _ in range(200):
            await other.write(bytes(MAX_DATA_BYTES))
            size = 0
            while size < MAX_DATA_BYTES:
                size += len(await other.read())
        assert WINDOW_BYTES - 1000 <= sent <= WINDOW_BYTES
        assert len(await slow.read()) >= WINDOW_BYTES - 1000


async def test_the_last_bytes_come_before_the_end() -> None:
    """Closing in order loses nothing, however long the link takes."""
    content = bytes(range(256)) * 400

    async def farewell(stream: Stream) -> None:
        await stream.write(content)
        stream.close()

    async with pair(farewell) as ends:
        stream = ends.hub.open(b"")
        assert await read_all(stream) == content
        with pytest.raises(ChannelBroken):
            await stream.write(b"more")


async def test_a_reset_says_why() -> None:
    async def refuse(stream: Stream) -> None:
        stream.close("not today")

    async with pair(refuse) as ends:
        stream = ends.hub.open(b"")
        with pytest.raises(ChannelBroken, match="not today"):
            await stream.answer()
        with pytest.raises(ChannelBroken, match="not today"):
            await stream.read()


async def test_closing_tells_the_other_end_to_stop() -> None:
    stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def pour(stream: Stream) -> None:
        try:
            while True:
                await stream.write(bytes(1000))
        except ChannelBroken as error:
            stopped.set_result(str(error))
            raise

    async with pair(pour) as ends:
        stream = ends.hub.open(b"")
        await stream.read()
        stream.close()
        assert await stopped
        assert ends.agent.alive


async def test_nothing_is_sent_after_the_end_by_a_writer_that_waited() -> None:
    """It waits for the link, the stream is ended meanwhile, and the session must not suffer for it."""
    one, other = linked()
    hub = session(one, limits=SessionLimits(data_frames=1))
    running = asyncio.create_task(hub.run())
    stream = hub.open(b"")
    writing = asyncio.create_task(stream.write(bytes(MAX_DATA_BYTES * 3)))
    while other.inbox.qsize() < 2:
        await asyncio.sleep(0)
    blocked = asyncio.create_task(stream.write(b"late"))
    await asyncio.sleep(0)
    stream.end()
    peer, kinds = Peer(other), []
    while FrameType.END not in kinds:
        kinds.append((await peer.receive()).type)
    results = await asyncio.gather(writing, blocked, return_exceptions=True)
    assert any(isinstance(each, ChannelBroken) for each in results)
    assert other.inbox.empty()
    hub.end("")
    await running


async def test_a_stream_that_fails_costs_the_others_nothing() -> None:
    async def fail(stream: Stream) -> None:
        if stream.head == b"fail":
            raise RuntimeError("a bug")
        await echo(stream)

    async with pair(fail) as ends:
        failing = ends.hub.open(b"fail")
        with pytest.raises(ChannelBroken, match="agent failed"):
            await failing.read()
        assert await ends.hub.open(b"x").answer() == b"answer to x"


async def test_a_cut_link_breaks_every_stream_with_the_reason() -> None:
    async with pair(echo) as ends:
        reading = ends.hub.open(b"")
        await reading.answer()
        writing = ends.hub.open(b"")
        ends.hub_link.cut()
        assert await ends.hub_run == "the cable was cut"
        with pytest.raises(ChannelBroken, match="the cable was cut"):
            await reading.read()
        with pytest.raises(ChannelBroken):
            while True:
                await writing.write(bytes(1000))
        with pytest.raises(ChannelBroken):
            ends.hub.open(b"")


async def test_the_reason_of_an_end_reaches_the_other_side() -> None:
    async with pair(echo) as ends:
        ends.agent.end("the agent is stopping")
        assert await ends.hub_run == "the agent is stopping"


async def test_streams_are_bounded_at_both_ends() -> None:
    async with pair(echo, SessionLimits(streams=2)) as ends:
        kept = [ends.hub.open(b""), ends.hub.open(b"")]
        with pytest.raises(TooManyStreams):
            ends.hub.open(b"")
        kept[0].close()
        assert await ends.hub.open(b"again").answer() == b"answer to again"


async def test_an_agent_refuses_more_streams_than_it_bears() -> None:
    one, other = linked()
    agent = session(other, echo, limits=SessionLimits(streams=1))
    running = asyncio.create_task(agent.run())
    peer = Peer(one)
    await peer.send(Frame(FrameType.OPEN, 1, b"a"))
    assert (await peer.receive()).type is FrameType.ANSWER
    await peer.send(Frame(FrameType.OPEN, 2, b"b"))
    refusal = await peer.receive()
    assert (refusal.type, refusal.stream) == (FrameType.RESET, 2)
    agent.end("")
    await running


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        pytest.param([Frame(FrameType.DATA, 9, b"x")], "never opened", id="data for a stream that there is not"),
        pytest.param([Frame(FrameType.OPEN, 1), Frame(FrameType.OPEN, 1)], "can't be opened", id="opened twice"),
        pytest.param([Frame(FrameType.OPEN, 5), Frame(FrameType.OPEN, 4)], "can't be opened", id="numbers that fall"),
        pytest.param(
            [Frame(FrameType.OPEN, 1), *[Frame(FrameType.DATA, 1, bytes(MAX_DATA_BYTES))] * 5], "window",
            id="more than the window",
        ),
        pytest.param([Frame(FrameType.OPEN, 1), window_frame(1, 5)], "window", id="a window that was not used"),
        pytest.param(
            [Frame(FrameType.OPEN, 1), Frame(FrameType.END, 1), Frame(FrameType.DATA, 1, b"x")], "after the end",
            id="data after the end",
        ),
        pytest.param([Frame(FrameType.OPEN, 1), *[Frame(FrameType.ANSWER, 1, b"")] * 2], "twice", id="two answers"),
        pytest.param([Frame(FrameType.RENEW, 0, b"Bearer x")], "not taken", id="a credential for the agent"),
        pytest.param([reason_frame(FrameType.BYE, 0, "enough")], "enough", id="goodbye"),
    ],
)  # fmt: skip
async def test_a_peer_that_breaks_the_rules_loses_the_session(frames: list[Frame], reason: str) -> None:
    async def deaf(stream: Stream) -> None:
        await asyncio.Event().wait()

    one, other = linked()
    agent = session(other, deaf)
    running = asyncio.create_task(agent.run())
    peer = Peer(one)
    for frame in frames:
        await peer.send(frame)
    assert reason in await running


async def test_a_hub_serves_no_streams() -> None:
    one, other = linked()
    running = asyncio.create_task(session(one).run())
    await Peer(other).send(Frame(FrameType.OPEN, 1))
    assert "can't be opened" in await running


async def test_a_message_that_is_no_frame_ends_the_session() -> None:
    one, other = linked()
    running = asyncio.create_task(session(one).run())
    await other.send(b"\xff")
    assert "no frame" in await running


async def test_pings_are_answered_and_silence_is_noticed() -> None:
    clock = ManualClock()
    one, other = linked()
    running = asyncio.create_task(session(one, clock=clock).run())
    peer = Peer(other)
    await peer.send(Frame(FrameType.PING, 0, b"12"))
    assert await peer.receive() == Frame(FrameType.PONG, 0, b"12")
    while not running.done():
        clock.advance(15.0)
        await asyncio.sleep(0)
    assert "silent" in await running


async def test_a_peer_that_asks_and_never_reads_is_left() -> None:
    """Answers to pings pile up to a bound, not for ever."""
    one, other = linked()
    running = asyncio.create_task(session(one).run())
    ping = Frame(FrameType.PING).encode()
    while not running.done():
        await asyncio.wait([running, asyncio.ensure_future(one.inbox.put(ping))], return_when="FIRST_COMPLETED")
    assert "does not read" in await running
    assert other.inbox.full()
