"""Decoding of watches."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import jsonio
from headwater.client import watch as watch_module
from headwater.client.interface import Stream, TransportError, WatchEvent
from headwater.client.watch import Watch
from headwater.machinery.errors import Expired, Forbidden


class ChunkStream:
    """An answer that arrives in the given chunks."""

    def __init__(self, chunks: Sequence[bytes], status: int = 200) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self.closed = False
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def close(self) -> None:
        self.closed = True


def watch_of(stream: ChunkStream) -> Watch:
    async def open_stream() -> Stream:
        return stream

    return Watch(open_stream)


def line(kind: str, number: int) -> bytes:
    return jsonio.dumps({"type": kind, "object": {"metadata": {"name": f"o{number}"}}}) + b"\n"


async def events_of(stream: ChunkStream) -> list[WatchEvent]:
    return [event async for event in watch_of(stream)]


@given(cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=8))
async def test_chunk_borders_do_not_matter(cuts: list[int]) -> None:
    """Events come out the same however the bytes were cut on the way."""
    data = b"".join(line("ADDED", number) for number in range(6))
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:end] for start, end in itertools.pairwise(borders)]
    events = await events_of(ChunkStream(chunks))
    assert [event[1]["metadata"]["name"] for event in events] == [f"o{number}" for number in range(6)]


async def test_a_cut_event_is_dropped() -> None:
    """An event without its line end is incomplete, even if it happens to be valid JSON."""
    assert len(await events_of(ChunkStream([line("ADDED", 1) + line("ADDED", 2)[:-1]]))) == 1


async def test_error_event_is_raised() -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    with pytest.raises(Expired):
        await events_of(ChunkStream([jsonio.dumps({"type": "ERROR", "object": status}) + b"\n"]))


async def test_refusal_is_raised_and_closes_the_stream() -> None:
    stream = ChunkStream([b'{"kind":"Status","reason":"Forbidden","code":403,"message":"no"}'], status=403)
    with pytest.raises(Forbidden):
        await events_of(stream)
    assert stream.closed


@pytest.mark.parametrize("text", [b"not json\n", b'{"type":"ADDED"}\n', b"[]\n"])
async def test_garbage_is_a_broken_connection(text: bytes) -> None:
    with pytest.raises(TransportError):
        await events_of(ChunkStream([text]))


async def test_endless_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server can't make the client hold an event of any size."""
    monkeypatch.setattr(watch_module, "MAX_LINE_BYTES", 100)
    with pytest.raises(TransportError, match="more than 100 bytes"):
        await events_of(ChunkStream([b"x" * 60, b"x" * 60]))


async def test_closed_before_it_began() -> None:
    stream = ChunkStream([line("ADDED", 1)])
    watch = watch_of(stream)
    await watch.close()
    assert [event async for event in watch] == []
