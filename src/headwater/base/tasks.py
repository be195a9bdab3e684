"""Task groups: every background task belongs to one, so none is lost and none fails in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

_T = TypeVar("_T")

_log = logging.getLogger("headwater.tasks")


class TaskGroup:
    """Owns tasks that live and fail together.

    A task that raises is logged, cancels the others, and its error is raised again where the group is left (or from
    `wait`). A task may also end by itself or be cancelled alone; one that ends because something that it waits for was
    cancelled has failed. Use it as a context manager, or own it as a field and
    call `close` when the component stops.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._error: BaseException | None = None
        self._closed = False
        self._owner: asyncio.Task[Any] | None = None
        self._owner_cancelled = False

    def __len__(self) -> int:
        """The number of tasks that have not ended."""
        return len(self._tasks)

    def start(self, coro: Coroutine[Any, Any, _T], *, name: str = "") -> asyncio.Task[_T]:
        """Run a coroutine as a task of this group; raises RuntimeError once the group is cancelled or has failed."""
        if self._closed:
            coro.close()
            raise RuntimeError(f"task group {self.name} takes no more tasks")
        label = f"{self.name}/{name}" if name else self.name
        task = asyncio.get_running_loop().create_task(coro, name=label)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        """Ask all tasks to stop, and take no new ones. Returns at once; leave the group or `close` to wait."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Wait until all tasks have ended; raises the first error of a task."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Cancel all tasks and wait for their end. Errors were logged already and are not raised."""
        self.cancel()
        current = asyncio.current_task()
        while others := {task for task in self._tasks if task is not current}:
            await asyncio.wait(others)

    async def __aenter__(self) -> Self:
        self._owner = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        owner = self._owner
        if error is not None:
            self.cancel()
        swallow = False
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            self.cancel()
            while self._tasks:
                await asyncio.wait(self._tasks)
            if not self._owner_cancelled:
                raise
        finally:
            self._closed = True
            self._owner = None
            if self._owner_cancelled and owner is not None:
                # The cancellation was ours, to stop the body; one from outside has to go on.
                swallow = owner.uncancel() == 0
        if self._error is not None and (error is None or (isinstance(error, asyncio.CancelledError) and swallow)):
            raise self._error
        return False

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error: BaseException | None
        if not task.cancelled():
            error = task.exception()
        elif task.cancelling():
            error = None
        else:  # Something that it waited for was cancelled.
            error = RuntimeError(f"task {task.get_name()} ended by a cancellation that was not its own")
        if error is None:
            return
        _log.error("task %s failed", task.get_name(), exc_info=error)
        if self._error is not None:
            return
        self._error = error
        self.cancel()
        if self._owner is not None and not self._owner.done():
            self._owner_cancelled = True
            self._owner.cancel()
