"""However both ends of streams behave, the session goes on and forgets them."""

from __future__ import annotations

import asyncio
import contextlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.tunnel.links import pair

from headwater.base.channel import ChannelBroken
from headwater.tunnel.stream import Stream

ACTIONS = ("write", "write much", "read", "pause", "end", "close", "close with a reason", "cancelled write")


async def behave(stream: Stream, order: random.Random) -> None:
    """Do a few things in a random order, as one reader and one writer that may end at any time."""
    for _ in range(order.randrange(1, 8)):
        action = order.choice(ACTIONS)
        with contextlib.suppress(ChannelBroken, TimeoutError):
            if action == "write":
                # With an end, as two that only write would wait for each other.
                async with asyncio.timeout(0.002):
                    await stream.write(bytes(order.randrange(1, 2000)))
            elif action == "write much":
                async with asyncio.timeout(0.002):
                    await stream.write(bytes(order.randrange(200_000, 400_000)))
            elif action == "read":
                async with asyncio.timeout(0.002):
                    await stream.read()
            elif action == "pause":
                await asyncio.sleep(0)
            elif action == "end":
                stream.end()
            elif action == "close":
                stream.close()
            elif action == "close with a reason":
                stream.close("enough")
            else:
                writing = asyncio.ensure_future(stream.write(bytes(300_000)))
                await asyncio.sleep(0)
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)


@settings(max_examples=40)
@given(st.integers())
def test_no_behaviour_of_streams_costs_the_session(seed: int) -> None:
    async def run() -> None:
        order = random.Random(seed)

        async def accept(stream: Stream) -> None:
            if order.random() < 0.9:
                stream.reply(b"")
            await behave(stream, order)

        async with pair(accept) as ends:

            async def once() -> None:
                stream = ends.hub.open(b"")
                await behave(stream, order)
                stream.close()

            await asyncio.gather(*(once() for _ in range(12)))
            while ends.agent.streams or ends.hub.streams:
                await asyncio.sleep(0)
            assert ends.hub.alive
            assert ends.agent.alive
            final = ends.hub.open(b"")
            final.close()

    asyncio.run(run())
