"""Ranges: bounds, pages, and the past."""

from __future__ import annotations

import asyncio

import pytest

from headwater.storage.interface import Backend, Compacted, FutureRevision, RangeResult


def keys_of(result: RangeResult) -> list[str]:
    return [item.key for item in result.items]


@pytest.mark.parametrize(
    ("prefix", "start_after", "limit", "keys", "remaining"),
    [
        pytest.param("/a/", "", 0, ["/a/1", "/a/2", "/a/2/x", "/a/3"], 0, id="prefix"),
        pytest.param("/a", "", 0, ["/a-b", "/a/1", "/a/2", "/a/2/x", "/a/3"], 0, id="prefix-without-slash"),
        pytest.param("", "", 0, ["/a-b", "/a/1", "/a/2", "/a/2/x", "/a/3", "/b/1"], 0, id="everything"),
        pytest.param("/none/", "", 0, [], 0, id="nothing"),
        pytest.param("/a/", "", 2, ["/a/1", "/a/2"], 2, id="first-page"),
        pytest.param("/a/", "/a/2", 0, ["/a/2/x", "/a/3"], 0, id="after-a-key"),
        pytest.param("/a/", "/a/2", 1, ["/a/2/x"], 1, id="middle-page"),
        pytest.param("/a/", "/a/2/x", 1, ["/a/3"], 0, id="last-page"),
        pytest.param("/a/", "/a/20", 5, ["/a/3"], 0, id="after-an-absent-key"),
        pytest.param("/a/", "/a/9", 5, [], 0, id="after-the-last-key"),
        pytest.param("/a/", "", 4, ["/a/1", "/a/2", "/a/2/x", "/a/3"], 0, id="exact-page"),
    ],
)
async def test_range_bounds(
    backend: Backend, prefix: str, start_after: str, limit: int, keys: list[str], remaining: int
) -> None:
    """A range is ordered, bounded by prefix, start and limit, now and in the past, and counts what it left out."""
    for key in ("/b/1", "/a/3", "/a/1", "/a/2/x", "/a-b", "/a/2"):
        await backend.put(key, key.encode(), expected=0)
    past = backend.revision()
    result = await backend.range(prefix, start_after=start_after, limit=limit)
    assert (keys_of(result), result.remaining, result.more) == (keys, remaining, remaining > 0)
    assert all(item.value == item.key.encode() for item in result.items)
    await backend.delete("/a/2", expected=None)
    await backend.put("/a/1", b"changed", expected=None)
    await backend.put("/a/15", b"new", expected=0)
    assert await backend.range(prefix, start_after=start_after, limit=limit, revision=past) == result


async def test_pages_of_any_size_join_to_the_whole(backend: Backend) -> None:
    """Reading on from the last key gives each key once, with values from empty to large."""
    await asyncio.gather(
        *(backend.put(f"/k/{index:03}", b"v" * (index % 7) * 3000, expected=0) for index in range(150))
    )
    whole = await backend.range("/k/")
    assert len(whole.items) == 150
    for limit in (1, 64, 149):
        items, after = [], ""
        while True:
            page = await backend.range("/k/", start_after=after, limit=limit)
            items += page.items
            assert page.remaining == 150 - len(items)
            if not page.more:
                break
            after = page.items[-1].key
        assert items == whole.items


async def test_reads_of_the_past_follow_a_key_through_its_lives(backend: Backend) -> None:
    """Each revision shows the key as it was then: created, changed, gone, created again."""
    await backend.put("/k/x", b"1", expected=0)
    await backend.put("/k/x", b"2", expected=None)
    await backend.delete("/k/x", expected=None)
    await backend.put("/k/x", b"4", expected=0)
    await backend.delete("/k/x", expected=None)
    seen = [[item.value for item in (await backend.range("/k/", revision=at)).items] for at in range(1, 6)]
    assert seen == [[b"1"], [b"2"], [], [b"4"], []]


async def test_the_future_cannot_be_read(backend: Backend) -> None:
    """A revision that has not happened raises FutureRevision with the newest one."""
    await backend.put("/a", b"", expected=None)
    with pytest.raises(FutureRevision) as caught:
        await backend.range("/", revision=2)
    assert caught.value.current == 1
    with pytest.raises(FutureRevision):
        await backend.compact(2)


async def test_compaction_takes_the_past_and_leaves_the_present(backend: Backend) -> None:
    """Reads at or after the compacted revision go on, older ones raise Compacted with the oldest that is left."""
    for value in (b"1", b"2", b"3"):
        await backend.put("/k/x", value, expected=None)
    await backend.put("/k/y", b"4", expected=None)
    await backend.delete("/k/y", expected=None)
    before = [await backend.range("/k/", revision=at) for at in (2, 3, 4, 5)]
    await backend.compact(2)
    assert backend.compacted() == 2
    assert [await backend.range("/k/", revision=at) for at in (2, 3, 4, 5)] == before
    with pytest.raises(Compacted) as caught:
        await backend.range("/k/", revision=1)
    assert caught.value.oldest == 2
    await backend.compact(1)
    assert backend.compacted() == 2, "compaction never goes back"
    await backend.compact(5)
    assert keys_of(await backend.range("/k/")) == ["/k/x"]
    assert await backend.put("/k/z", b"6", expected=0) == 6
