"""One of several syncers for a SyncTarget leads, by a Lease in the pcluster; the others stand by.

The Lease is downstream since that is where two writers would do harm, and since a syncer that can't reach the pcluster
can't do any. Times are measured by our own monotonic clock, as client-go does, so clocks may differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.interface import TransportError
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_micro_time
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

LEASES: Final = GroupVersionResource("coordination.k8s.io", "v1", "leases")
LEASE_SECONDS: Final = 15
RENEW_DEADLINE_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 2.0

log = get_logger("syncer.election")


class Election:
    """Runs the work while this process holds the Lease.

    ``valid`` is False from ten seconds after the last renewal on, five before others may take over: writes that ask it
    first never meet those of another leader, even when this process was stopped and did not notice.
    """

    def __init__(
        self, leases: ResourceClient, *, lease_name: str, holder: str, clock: Clock, registry: Registry
    ) -> None:
        self._leases = leases
        self._name = lease_name
        self._holder = holder
        self._clock = clock
        self._seen: tuple[str, str, str] | None = None
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self.last_error = ""
        """Why the Lease could not be had or asked for; "" when it could."""
        registry.gauge("syncer_leading", "1 while this process leads.").set_function(lambda: self.valid)

    @property
    def valid(self) -> bool:
        """Whether this process leads, for certain."""
        return self._renewed_at is not None and self._clock.monotonic() - self._renewed_at < RENEW_DEADLINE_SECONDS

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run the work whenever we lead, until cancelled or until the work ends by itself, with its error."""
        while True:
            while not await self._try():
                await self._clock.sleep(RETRY_SECONDS)
            log.info("leading", lease=self._name, holder=self._holder)
            task = asyncio.ensure_future(work())
            try:
                if await self._hold(task):
                    return await task
            finally:
                await _ended(task)
                self._renewed_at, was_leading = None, self.valid
                if was_leading:
                    await self._release()
            log.error("not leading any more, standing by", lease=self._name, holder=self._holder)

    async def _hold(self, task: asyncio.Future[None]) -> bool:
        """Renew until that has failed for too long; True when the work has ended."""
        while not task.done():
            pause = asyncio.ensure_future(self._clock.sleep(RETRY_SECONDS))
            try:
                await asyncio.wait((task, pause), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
            if not task.done() and not await self._try() and not self.valid:
                return False
        return True

    async def _try(self) -> bool:
        """One try to acquire or to renew."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(RENEW_DEADLINE_SECONDS / 2):
                held = await self._acquire()
        except (StatusError, TransportError, UnexpectedAnswer, TimeoutError) as error:
            text = f"{type(error).__name__}: {error}"
            if text != self.last_error:
                log.warning("can't hold the Lease", lease=self._name, error=text)
            self.last_error = text
            return False
        self.last_error = ""
        if held:
            self._renewed_at = started  # The server may have taken it at any time since.
        else:
            self._renewed_at = None
        return held

    async def _acquire(self) -> bool:
        try:
            lease = await self._leases.get(self._name)
        except NotFound:
            await self._leases.create(self._body({}))
            return True
        spec = lease.get("spec") or {}
        holder = str(spec.get("holderIdentity") or "")
        seen = (holder, str(spec.get("renewTime")), str(spec.get("acquireTime")))
        now = self._clock.monotonic()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        if holder not in ("", self._holder) and now - self._seen_at < LEASE_SECONDS:
            return False
        await self._leases.update(self._body(lease))
        return True

    def _body(self, lease: Object) -> Object:
        """The Lease as ours. With its resourceVersion, so that of two who try only one succeeds."""
        now = format_micro_time(self._clock.now())
        spec: dict[str, Any] = dict(lease.get("spec") or {})
        if spec.get("holderIdentity") != self._holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + bool(lease)
        spec |= {"holderIdentity": self._holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        meta = lease.get("metadata") or {"name": self._name}
        return {"apiVersion": str(LEASES.group_version), "kind": "Lease", "metadata": meta, "spec": spec}

    async def _release(self) -> None:
        """Give the Lease back, so that another one need not wait. It is no loss if that fails."""
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                lease = await self._leases.get(self._name)
                if (lease.get("spec") or {}).get("holderIdentity") == self._holder:
                    await self._leases.update({**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except (StatusError, TransportError, UnexpectedAnswer, TimeoutError) as error:
            log.info("the Lease was not given back", lease=self._name, error=str(error))


async def _ended(task: asyncio.Future[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.wait((task,))
