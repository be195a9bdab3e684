"""Follows the Events of the pcluster without keeping them: there may be very many that are not ours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.client.lists import list_items
from headwater.machinery.errors import Expired, Gone, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, namespace, resource_version
from headwater.machinery.timestamps import parse_time
from headwater.machinery.watch import ADDED, MODIFIED
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.upsync.eventbody import is_worth_copying, times_of
from headwater.telemetry.logging import get_logger

EVENTS: Final = GroupVersionResource("", "v1", "events")
RECENT: Final = timedelta(minutes=10)
"""Of the Events that are there at a start, those that are older than this are not brought up any more."""
_PAGE_SIZE: Final = 500
_READY_SECONDS: Final = 0.2
_WATCH_SECONDS: Final = (300, 600)
_WATCH_GRACE_SECONDS: Final = 60

log = get_logger("syncer.events")


class EventFeed:
    """Hands on the Events about objects in our namespaces: recent ones at the start, then each as it comes.

    ``ready`` says whether ``namespaces`` knows them.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespaces: Namespaces,
        ready: Callable[[], bool],
        take: Callable[[Object, str, str], None],
        clock: Clock,
    ) -> None:
        self._events = client.resource(EVENTS)
        self._namespaces = namespaces
        self._ready = ready
        self._take = take
        self._clock = clock
        self._backoff = Backoff(initial=1.0, factor=2.0, maximum=60.0, jitter=0.5)
        self._position = ""

    async def run(self) -> None:
        """Follow until cancelled, as soon as it is known which namespaces are ours; failures are retried later."""
        while not self._ready():
            await self._clock.sleep(_READY_SECONDS)
        while True:
            try:
                if not self._position:
                    self._position = await self._list()
                await self._watch()
            except (Expired, Gone):
                self._position = ""
            except (StatusError, TransportError, UnexpectedAnswer, TimeoutError) as error:
                delay = self._backoff.next()
                log.warning("can't follow events of the pcluster", error=str(error), retry_in=round(delay, 1))
                await self._clock.sleep(delay)

    async def _list(self) -> str:
        """Look at all that are there, a page at a time. Answers the resourceVersion to watch from."""
        since, token = self._clock.now() - RECENT, ""
        while True:
            page = await self._events.list(limit=_PAGE_SIZE, continue_token=token)
            for event in list_items(page):
                if _last_said(event, default=since) >= since:
                    self._offer(event)
            meta = page.get("metadata") or {}
            token = meta.get("continue", "")
            if not token:
                return str(meta.get("resourceVersion", ""))

    async def _watch(self) -> None:
        seconds = random.randint(*_WATCH_SECONDS)  # noqa: S311 - spreads reconnects, guards nothing
        started = self._clock.monotonic()
        watch = self._events.watch(resource_version=self._position, timeout_seconds=seconds)
        async with watch, asyncio.timeout(seconds + _WATCH_GRACE_SECONDS):
            async for batch in watch.batches():
                self._backoff.reset()
                for kind, event in batch:
                    self._position = resource_version(event) or self._position
                    if kind in (ADDED, MODIFIED):
                        self._offer(event)
        if self._clock.monotonic() - started < 1.0:
            raise TransportError("the watch ended at once")

    def _offer(self, event: Object) -> None:
        locator = self._namespaces.locator_of(namespace(event))
        if locator is not None and locator.namespace and is_worth_copying(event):
            self._take(event, locator.cluster, locator.namespace)


def _last_said(event: Object, *, default: datetime) -> datetime:
    """When it was said last; the default for an Event that doesn't say so in a way that can be read."""
    try:
        return parse_time(times_of(event)[1] or "")
    except ValueError:
        return default
