"""A controller: a queue of keys, and workers that reconcile them."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.interface import TransportError
from headwater.client.workqueue import QueueClosed, WorkQueue
from headwater.controller.interface import Reconcile, Result, Terminal
from headwater.machinery.errors import Conflict, StatusError
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

DEFAULT_WORKERS: Final = 2
_QUIET_FAILURES: Final = 3
_GATEWAY_CODES: Final = frozenset({502, 503, 504})
"""What is said in place of a server that does not answer."""


class Controller:
    """Calls ``reconcile`` for every key that is enqueued, never twice at once for the same key.

    An error puts the key back with back-off (5 ms doubling up to 1000 s, to 30 s where no server answers) and is logged
    with the key; a conflict is
    the usual course of things and is logged only when it lasts. Terminal is logged and the key let go.
    """

    def __init__(
        self,
        name: str,
        *,
        reconcile: Reconcile,
        workers: int = DEFAULT_WORKERS,
        queue: WorkQueue | None = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
    ) -> None:
        assert workers > 0, "a controller needs a worker"
        self.name = name
        self._reconcile = reconcile
        self._workers = workers
        self.queue = queue or WorkQueue(name, clock=clock or SystemClock(), registry=registry)
        self._log = get_logger(f"controller.{name}")

    def enqueue(self, key: str) -> None:
        """Have a key reconciled."""
        self.queue.add(key)

    def enqueue_after(self, key: str, seconds: float) -> None:
        """Have a key reconciled later."""
        self.queue.add_after(key, seconds)

    async def run(self) -> None:
        """Work until cancelled or until the queue is shut down."""
        async with TaskGroup(f"controller {self.name}") as group:
            timer = group.start(self.queue.run(), name="delays")
            workers = [group.start(self._work(), name=f"worker-{number}") for number in range(self._workers)]
            for worker in workers:
                await worker
            timer.cancel()

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            try:
                await self._process(key)
            finally:
                self.queue.done(key)

    async def _process(self, key: str) -> None:
        try:
            result = await self._reconcile(key)
        except Terminal as error:
            self.queue.forget(key)
            self._log.error("gave up", key=key, error=str(error))
        except (StatusError, TransportError, TimeoutError) as error:
            self._log_failure(key, error)
            if isinstance(error, StatusError) and error.code not in _GATEWAY_CODES:
                self.queue.add_rate_limited(key)
            else:
                self.queue.add_unanswered(key)
        except asyncio.CancelledError:
            worker = asyncio.current_task()
            if worker is None or worker.cancelling():
                raise
            self._crashed(key)  # Something that was waited for was cancelled, and not the worker.
        except Exception:  # noqa: BLE001 - a bug that one object brings out must not end the controller for all others
            self._crashed(key)
        else:
            self.queue.forget(key)
            if isinstance(result, Result) and result.requeue_after_seconds is not None:
                self.queue.add_after(key, result.requeue_after_seconds)

    def _crashed(self, key: str) -> None:
        self._log.error("reconcile crashed", key=key, exc_info=True)
        self.queue.add_rate_limited(key)

    def _log_failure(self, key: str, error: Exception) -> None:
        expected = isinstance(error, Conflict) and self.queue.failures(key) < _QUIET_FAILURES
        write = self._log.debug if expected else self._log.warning
        text = "; ".join((f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())))
        write("reconcile failed", key=key, error=text, failures=self.queue.failures(key))
