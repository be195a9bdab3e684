"""Task groups: nothing is lost, nothing fails in silence, cancellation passes through."""

from __future__ import annotations

import asyncio

import pytest

from headwater.base.tasks import TaskGroup


async def crash() -> None:
    await asyncio.sleep(0)
    raise ValueError("broken")


async def forever(ended: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def test_leaving_waits_for_tasks() -> None:
    """The group is left when its tasks have ended, with their results at hand."""

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async with TaskGroup("g") as group:
        task = group.start(answer(), name="answer")
        assert task.get_name() == "g/answer"
        assert len(group) == 1
    assert task.result() == 42
    assert len(group) == 0


async def test_a_crash_cancels_the_others_and_the_body(caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged and raised where the group is left, and the owner is not left cancelled."""
    ended: list[str] = []
    with pytest.raises(ValueError, match="broken"):
        async with TaskGroup("g") as group:
            group.start(forever(ended, "other"))
            group.start(crash(), name="crash")
            await asyncio.Event().wait()
    assert ended == ["other"]
    assert "task g/crash failed" in caplog.text
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_crash_while_leaving_is_raised() -> None:
    """The same when the body has ended and the group is waiting."""
    ended: list[str] = []
    with pytest.raises(ValueError, match="broken"):
        async with TaskGroup("g") as group:
            group.start(forever(ended, "other"))
            group.start(crash())
    assert ended == ["other"]


async def test_an_error_of_the_body_wins() -> None:
    """When the body raises, tasks are cancelled and its own error goes on."""
    ended: list[str] = []
    with pytest.raises(KeyError):
        async with TaskGroup("g") as group:
            group.start(forever(ended, "task"))
            await asyncio.sleep(0)
            raise KeyError("body")
    assert ended == ["task"]


async def test_cancel_ends_the_group_without_an_error() -> None:
    """Cancelled tasks are not failures; a cancelled group takes no more tasks."""
    ended: list[str] = []
    async with TaskGroup("g") as group:
        group.start(forever(ended, "task"))
        await asyncio.sleep(0)
        group.cancel()
        with pytest.raises(RuntimeError, match="takes no more tasks"):
            group.start(crash())
    assert ended == ["task"]


async def test_cancelling_the_owner_cancels_the_tasks_and_passes_on() -> None:
    """Cancellation from outside reaches every task and the owner's caller."""
    ended: list[str] = []

    async def owner() -> None:
        async with TaskGroup("g") as group:
            group.start(forever(ended, "task"))

    task = asyncio.create_task(owner())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["task"]


async def test_owned_group_closes_or_waits() -> None:
    """A component may own a group: close() never raises, wait() gives the first error."""
    ended: list[str] = []
    group = TaskGroup("g")
    group.start(forever(ended, "task"))
    await asyncio.sleep(0)
    await group.close()
    assert ended == ["task"]

    failing = TaskGroup("f")
    failing.start(crash())
    failing.start(crash())
    with pytest.raises(ValueError, match="broken"):
        await failing.wait()
    await failing.close()


async def test_a_task_may_close_its_own_group() -> None:
    """A task that stops its group does not wait for itself."""
    ended: list[str] = []
    group = TaskGroup("g")

    async def stopper() -> None:
        try:
            await group.close()
        except asyncio.CancelledError:
            ended.append("stopper")
            raise

    group.start(forever(ended, "task"))
    group.start(stopper())
    await group.wait()
    assert sorted(ended) == ["stopper", "task"]


async def test_a_task_that_nobody_cancelled_has_failed() -> None:
    """What it waited for was cancelled, so it ended in the midst of its work: that must not go unnoticed."""
    shared = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await shared

    with pytest.raises(RuntimeError, match="g/waiting"):
        async with TaskGroup("g") as group:
            group.start(wait(), name="waiting")
            await asyncio.sleep(0)
            shared.cancel()
            await asyncio.Event().wait()
