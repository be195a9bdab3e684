"""One collection, listed once and then watched, with handlers that hear of every change."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from headwater.base.backoff import Backoff
from headwater.base.clock import Clock, SystemClock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.informer.store import IndexFunction, Store
from headwater.client.interface import TransportError, WatchEvent
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import Forbidden, ServiceUnavailable, StatusError, TooManyRequests, Unauthorized
from headwater.machinery.objects import Object, name, namespace, object_key, resource_version
from headwater.machinery.revisions import is_before
from headwater.machinery.watch import ADDED, BOOKMARK, DELETED, MODIFIED
from headwater.telemetry.logging import get_logger

Handler = Callable[[str, Object | None, Object | None], None]
"""Called with ADDED (None, new), MODIFIED (old, new) or DELETED (last known, None). Runs on the loop; must be quick."""

Transform = Callable[[Object], Object]
"""Makes the stored form of an object that was just received, to save memory; must not change its argument.

Names, resourceVersion and the annotation of the logical cluster have to stay.
"""

WATCH_SECONDS: Final = (300, 600)
_WATCH_GRACE_SECONDS: Final = 60
_SHORT_WATCH_SECONDS: Final = 1.0
_RETRYABLE: Final = (TransportError, UnexpectedAnswer, StatusError, TimeoutError)
_KEEP_POSITION: Final = (TransportError, TimeoutError, TooManyRequests, ServiceUnavailable, Unauthorized, Forbidden)

log = get_logger("client.informer")


class _RelistNeeded(Exception):
    """The watch can't go on from where it was."""


def drop_managed_fields(obj: Object) -> Object:
    """The usual transform: managedFields are large, and no controller reads them."""
    meta = obj.get("metadata")
    if not meta or "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}


class Informer:
    """A local copy of one collection, kept current until `run` is cancelled.

    Keys are `cluster|namespace/name`; without ``clustered`` the cluster part is left out, whatever annotation objects
    carry. A list that fails leaves the copy as it is: only a complete list removes objects. Objects in the copy must
    not be changed. After the first complete list `has_synced` is true and stays so. ``awake`` bounds how many objects
    are held decoded for those who read them, see `Store`.
    """

    def __init__(
        self,
        resource: ResourceClient,
        *,
        name: str,
        clustered: bool = True,
        indexers: Mapping[str, IndexFunction] | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        transform: Transform = drop_managed_fields,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        awake: int = 0,
    ) -> None:
        self.name = name
        self._resource = resource
        self._clustered = clustered
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._metadata_only = metadata_only
        self._transform = transform
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(initial=0.2, factor=2.0, maximum=30.0, jitter=0.5)
        self._store = Store(indexers, awake=awake)
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._position = ""
        self._doubted = asyncio.Event()
        self.last_error = ""
        """Why the informer is behind; "" while it is connected."""

    def __len__(self) -> int:
        return len(self._store)

    def __contains__(self, key: object) -> bool:
        return key in self._store

    @property
    def has_synced(self) -> bool:
        """True once the collection was listed completely."""
        return self._synced.is_set()

    @property
    def position(self) -> str:
        """The resourceVersion that the copy has reached."""
        return self._position

    async def wait_synced(self) -> None:
        """Wait for the first complete list."""
        await self._synced.wait()

    def key_of(self, obj: Object) -> str:
        """Key of an object in this informer."""
        if self._clustered:
            return object_key(obj)
        return f"{namespace(obj)}/{name(obj)}" if namespace(obj) else name(obj)

    def get(self, key: str) -> Object | None:
        """The object with this key, not to be changed."""
        return self._store.get(key)

    def list(self) -> Sequence[Object]:
        """All objects, not to be changed."""
        return self._store.list()

    def keys(self) -> Collection[str]:
        """All keys; a live view."""
        return self._store.keys()

    def by_index(self, index: str, value: str) -> Sequence[Object]:
        """Objects under an index value, not to be changed."""
        return self._store.by_index(index, value)

    def index_keys(self, index: str, value: str) -> Collection[str]:
        """Keys under an index value."""
        return self._store.index_keys(index, value)

    def add_index(self, index: str, function: IndexFunction) -> None:
        """Add an index, also over what is there already."""
        self._store.add_index(index, function)

    def add_handler(self, handler: Handler) -> None:
        """Hear of all changes from now on, after an ADDED for each object that is there."""
        self._handlers.append(handler)
        for obj in self._store.list():
            self._notify(handler, ADDED, None, obj)

    def remove_handler(self, handler: Handler) -> None:
        """Hear no more."""
        self._handlers.remove(handler)

    def list_again(self) -> None:
        """Trust nothing that is known: list anew at once, or as soon as there is an answer."""
        self._doubted.set()

    def rest(self) -> Iterator[None]:
        """Let objects that were not used for two calls take little memory, in steps of some ten microseconds."""
        return self._store.rest()

    async def run(self) -> None:
        """List and watch until cancelled; failures are retried with back-off."""
        listed = doubted = False
        while True:
            try:
                if not listed:
                    doubted = doubted or self._doubted.is_set()
                    self._doubted.clear()
                    await self._list(doubted=doubted)
                    doubted = False
                    listed = True
                await self._watch_while_trusted()
            except _RelistNeeded as reason:
                log.info("listing again", informer=self.name, reason=str(reason))
                listed = False
            except _RETRYABLE as error:
                self.last_error = f"{type(error).__name__}: {error}"
                listed = listed and isinstance(error, _KEEP_POSITION)
                delay = self._backoff.next()
                log.warning("list or watch failed", informer=self.name, error=self.last_error, retry_in=round(delay, 1))
                await self._clock.sleep(delay)

    async def _list(self, *, doubted: bool) -> None:
        """A whole list, taken over at once when it is complete. Until then only one page of it is held unpacked.

        Of what was ``doubted``, or of a server that is behind what it was, the same resourceVersion doesn't mean the
        same state.
        """
        listed: dict[str, tuple[str, bytes]] = {}
        position = ""
        pages = self._resource.pages(
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            metadata_only=self._metadata_only,
        )
        async with aclosing(pages):
            async for page in pages:
                if page.anew:
                    listed.clear()
                for item in page.items:
                    kept = self._transform(item)
                    listed[self.key_of(kept)] = (resource_version(kept), self._store.pack(kept))
                position = page.resource_version
        doubted = doubted or is_before(position, self._position)
        for key, (version, packed) in listed.items():
            known = self._store.peek(key)
            seen = known is not None and resource_version(known) == version
            if not seen or (doubted and known != self._store.unpack(packed)):
                self._put(key, self._store.unpack(packed), packed)
        for key in [key for key in self._store if key not in listed]:
            self._remove_object(key, None)
        self._position = position
        self._connected()
        self._synced.set()

    async def _watch_while_trusted(self) -> None:
        """See `_watch`, which ends when somebody doubts what is known."""
        watching = asyncio.ensure_future(self._watch())
        doubted = asyncio.ensure_future(self._doubted.wait())
        try:
            await asyncio.wait((watching, doubted), return_when=asyncio.FIRST_COMPLETED)
            if self._doubted.is_set():
                raise _RelistNeeded("somebody doubts what is known")
            await watching
        finally:
            for task in (watching, doubted):
                task.cancel()
            await asyncio.gather(watching, doubted, return_exceptions=True)

    async def _watch(self) -> None:
        """One watch, from the position on. Raises _RelistNeeded when the position is of no use any more."""
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311 - spreads reconnects, guards nothing
        started = self._clock.monotonic()
        received = False
        watch = self._resource.watch(
            resource_version=self._position,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            timeout_seconds=seconds,
            metadata_only=self._metadata_only,
        )
        batches = watch.batches(shared=True)
        async with watch, asyncio.timeout(seconds + _WATCH_GRACE_SECONDS), aclosing(batches):
            async for batch in batches:
                if not received:
                    received = True
                    self._connected()
                for event in batch:
                    self._take(event)
        if not received and self._clock.monotonic() - started < _SHORT_WATCH_SECONDS:
            raise TransportError("the watch ended at once")

    def _connected(self) -> None:
        self.last_error = ""
        self._backoff.reset()

    def _take(self, event: WatchEvent) -> None:
        kind, obj = event
        version = resource_version(obj)
        if kind == BOOKMARK:
            if is_before(version, self._position):
                # The server went back in time (restored from a backup), so what we know may never have happened.
                raise _RelistNeeded(f"server is at {version}, behind {self._position}")
        elif kind == DELETED:
            self._remove_object(self.key_of(obj), obj)
        elif kind in (ADDED, MODIFIED):
            self._put(self.key_of(obj), self._transform(obj))
        else:
            log.warning("unknown watch event", informer=self.name, type=kind)
            return
        self._position = version or self._position

    def _put(self, key: str, obj: Object, packed: bytes | None = None) -> None:
        old = self._store.put(key, obj, packed)
        for handler in self._handlers:
            self._notify(handler, ADDED if old is None else MODIFIED, old, obj)

    def _remove_object(self, key: str, last_state: Object | None) -> None:
        old = self._store.remove(key)
        if old is None:
            return
        if last_state is not None:
            old = self._transform(last_state)
        for handler in self._handlers:
            self._notify(handler, DELETED, old, None)

    def _notify(self, handler: Handler, kind: str, old: Object | None, new: Object | None) -> None:
        try:
            handler(kind, old, new)
        except Exception:
            # One broken handler must not stop the others.
            log.error("informer handler failed", informer=self.name, type=kind, exc_info=True)
