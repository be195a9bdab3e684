"""Puts and deletes: preconditions, revisions, and many writers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from headwater.storage.interface import (
    Backend,
    Event,
    KeyExists,
    KeyNotFound,
    KeyValue,
    RevisionMismatch,
    StorageError,
    StoreClosed,
)

KEY = "/core/configmaps/-/root/default/a"


async def test_revisions_count_every_write(backend: Backend) -> None:
    """One sequence for all keys; a delete takes a revision, a failed write takes none."""
    assert backend.revision() == 0
    assert await backend.put("/a", b"1", expected=None) == 1
    assert await backend.put("/b", b"1", expected=None) == 2
    with pytest.raises(KeyExists):
        await backend.put("/a", b"2", expected=0)
    assert await backend.delete("/a", expected=None) == 3
    assert await backend.put("/a", b"3", expected=0) == 4
    assert backend.revision() == 4


async def test_create_revision_lives_as_long_as_the_key(backend: Backend) -> None:
    """An update keeps the create revision; a key that is deleted and made again gets a new one."""
    created = await backend.put(KEY, b"1", expected=0)
    updated = await backend.put(KEY, b"2", expected=created)
    assert await backend.get(KEY) == KeyValue(KEY, b"2", created, updated)
    await backend.delete(KEY, expected=updated)
    assert await backend.get(KEY) is None
    again = await backend.put(KEY, b"", expected=0)
    assert await backend.get(KEY) == KeyValue(KEY, b"", again, again)


@pytest.mark.parametrize(
    ("exists", "delete", "expected", "error"),
    [
        pytest.param(False, False, 0, None, id="create"),
        pytest.param(True, False, 0, KeyExists, id="create-existing"),
        pytest.param(False, False, None, None, id="put-anyway-absent"),
        pytest.param(True, False, None, None, id="put-anyway-present"),
        pytest.param(True, False, 2, None, id="update-at-revision"),
        pytest.param(True, False, 1, RevisionMismatch, id="update-at-older-revision"),
        pytest.param(True, False, 9, RevisionMismatch, id="update-at-future-revision"),
        pytest.param(False, False, 2, KeyNotFound, id="update-absent"),
        pytest.param(True, True, 2, None, id="delete-at-revision"),
        pytest.param(True, True, None, None, id="delete-anyway"),
        pytest.param(True, True, 1, RevisionMismatch, id="delete-at-older-revision"),
        pytest.param(False, True, None, KeyNotFound, id="delete-absent"),
        pytest.param(False, True, 2, KeyNotFound, id="delete-absent-at-revision"),
    ],
)
async def test_preconditions(
    backend: Backend, exists: bool, delete: bool, expected: int | None, error: type[StorageError] | None
) -> None:
    """`expected` decides, and a write that it refuses changes nothing."""
    await backend.put("/other", b"", expected=None)
    if exists:
        await backend.put(KEY, b"old", expected=None)
    before = await backend.get(KEY), backend.revision()

    async def write() -> int:
        if delete:
            return await backend.delete(KEY, expected=expected)
        return await backend.put(KEY, b"new", expected=expected)

    if error is not None:
        with pytest.raises(error) as caught:
            await write()
        assert getattr(caught.value, "actual", 2) == 2
        assert (await backend.get(KEY), backend.revision()) == before
    else:
        assert await write() == before[1] + 1
        found = await backend.get(KEY)
        assert (found.value if found else None) == (None if delete else b"new")


async def test_no_update_is_lost_between_concurrent_writers(backend: Backend) -> None:
    """Writers that read, add one and write back under a precondition end at the sum, in whatever order they ran."""
    await backend.put(KEY, b"0", expected=0)
    refused = 0

    async def add_one() -> None:
        nonlocal refused
        while True:
            current = await backend.get(KEY)
            assert current is not None
            try:
                await backend.put(KEY, b"%d" % (int(current.value) + 1), expected=current.mod_revision)
            except RevisionMismatch:
                refused += 1
            else:
                return

    async with asyncio.timeout(60):
        await asyncio.gather(*(add_one() for _ in range(24)))
    final = await backend.get(KEY)
    assert final is not None
    assert final.value == b"24"
    assert final.mod_revision == 25


async def test_writes_in_one_batch_see_each_other(backend: Backend) -> None:
    """Writes of one key that are submitted together are applied in order, each against the one before."""
    outcomes = await asyncio.gather(
        backend.put(KEY, b"1", expected=0),
        backend.put(KEY, b"2", expected=0),
        backend.put(KEY, b"3", expected=1),
        backend.delete(KEY, expected=None),
        backend.delete(KEY, expected=None),
        backend.put(KEY, b"4", expected=0),
        return_exceptions=True,
    )
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes] == [
        1,
        KeyExists,
        2,
        3,
        KeyNotFound,
        4,
    ]
    assert await backend.get(KEY) == KeyValue(KEY, b"4", 4, 4)


async def test_any_bytes_and_any_text_survive(backend: Backend) -> None:
    """Values are opaque and keys are any text without a NUL."""
    values = {
        "/k/" + name: bytes(range(256)) * 5 + name.encode() for name in ("plain", "ümläut", "コンテナ", "a,b:c\n", "😀")
    }
    for key, value in values.items():
        await backend.put(key, value, expected=0)
    found = await backend.range("/k/")
    assert {item.key: item.value for item in found.items} == values
    assert [item.key for item in found.items] == sorted(values)
    assert {event.key: event.value for event in await backend.events("/k/", 0)} == values


async def test_a_cancelled_writer_does_not_disturb_others(backend: Backend) -> None:
    """Its write may happen or not; the writes beside it are answered."""
    cancelled = asyncio.ensure_future(backend.put("/a", b"", expected=None))
    other = asyncio.ensure_future(backend.put("/b", b"", expected=None))
    await asyncio.sleep(0)
    cancelled.cancel()
    async with asyncio.timeout(60):
        assert await other == backend.revision()


async def test_a_closed_store_refuses_work(backend: Backend) -> None:
    """After close every call raises StoreClosed, and closing again is harmless."""
    assert backend.failure() is None
    await backend.put("/a", b"", expected=None)
    await backend.close()
    await backend.close()
    assert backend.failure()
    with pytest.raises(StoreClosed):
        await backend.put("/a", b"", expected=None)
    with pytest.raises(StoreClosed):
        await backend.get("/a")
    with pytest.raises(StoreClosed):
        await backend.range("/")


async def test_close_finishes_accepted_writes(backend: Backend) -> None:
    """Writes that were submitted before close are answered with their revision."""
    seen: list[Event] = []

    def collect(events: Sequence[Event]) -> None:
        seen.extend(events)

    backend.subscribe(collect)
    writes = [asyncio.ensure_future(backend.put(f"/{index}", b"", expected=0)) for index in range(50)]
    await asyncio.sleep(0)
    await backend.close()
    assert await asyncio.gather(*writes) == list(range(1, 51))
    assert [event.revision for event in seen] == list(range(1, 51))
