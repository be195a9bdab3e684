"""Watch: the initial state when it is asked for, then every change, seen through the selectors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from headwater.apiserver.registry import selection
from headwater.apiserver.registry.listing import NOT_OLDER_THAN, StoredItem, parse_revision, wait_for
from headwater.apiserver.registry.options import WatchOptions
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery import errors
from headwater.machinery.fieldpath import FieldError, forbidden_field
from headwater.machinery.watch import ADDED, DELETED, MODIFIED
from headwater.storage.interface import Compacted, SlowWatcher
from headwater.storage.watchcache import CachedObject, CacheEvent, CacheSet, Subscription


class WatchClosed(Exception):
    """The server closed the watch; the client may watch again from where it was."""


class WatchItem(NamedTuple):
    """A change as this watcher sees it. `event` is there when it is the very change that all others see too."""

    type: str
    object: StoredItem
    event: CacheEvent | None = None


class WatchSession:
    """An open watch. `initial` (the state at revision `start`) comes first; `next` then gives the changes in order.

    Close it when done.
    """

    def __init__(
        self,
        initial: Sequence[StoredItem],
        start: int,
        subscription: Subscription,
        matches: selection.Predicate | None,
    ) -> None:
        self.initial = initial
        self.start = start
        self._subscription = subscription
        self._matches = matches

    @property
    def revision(self) -> int:
        """Everything up to this revision was handed out: what a bookmark may say."""
        return self._subscription.revision

    async def next(self, seconds: float) -> Sequence[WatchItem] | None:
        """The next changes, empty when none of them is selected; None after `seconds` without one.

        Raises Expired when its start is gone, WatchClosed when the server ended it or the watcher was too slow: what
        it missed can be watched from where it was, without a new list.
        """
        try:
            async with asyncio.timeout(seconds):
                batch = await anext(self._subscription)
        except TimeoutError:
            return None
        except (StopAsyncIteration, SlowWatcher):
            raise WatchClosed from None
        except Compacted as error:
            raise errors.Expired(f"too old resource version: {error}") from None
        matches = self._matches
        if matches is None:
            return [WatchItem(event.type, event.object, event) for event in batch]
        return [item for event in batch if (item := _select(event, matches)) is not None]

    def close(self) -> None:
        """End the watch."""
        self._subscription.close()


def _select(event: CacheEvent, matches: selection.Predicate) -> WatchItem | None:
    """An object that starts or stops to match is added or deleted for this watcher."""
    previous = event.previous
    before = previous is not None and matches(previous)
    if event.type == DELETED:
        return WatchItem(DELETED, event.object, event) if before else None
    if matches(event.object):
        kind = MODIFIED if before else ADDED
        return WatchItem(kind, event.object, event if kind == event.type else None)
    if before and previous is not None:
        return WatchItem(DELETED, previous.at_revision(event.revision))
    return None


def check_options(options: WatchOptions) -> None:
    """Raise Invalid for sendInitialEvents and resourceVersionMatch that don't go together."""
    found: list[FieldError] = []
    match = options.resource_version_match
    if options.send_initial_events is None:
        if match:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            found.append(forbidden_field("resourceVersionMatch", why))
    elif match != NOT_OLDER_THAN:
        why = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER_THAN}"
        found.append(forbidden_field("resourceVersionMatch", why))
    if found:
        raise errors.invalid("ListOptions", "", found, group="meta.k8s.io")


async def start_watch(
    caches: CacheSet, info: ResourceInfo, cluster: str, namespace: str, options: WatchOptions
) -> WatchSession:
    """Open a watch. Raises Expired for a resourceVersion out of the history, Timeout for one that doesn't come."""
    check_options(options)
    matches = selection.predicate(info, options.label_selector, options.field_selector)
    prefix = _scope(info, cluster, namespace, options)
    cache = await caches.cache(info.prefix)
    version = parse_revision(options.resource_version)
    await wait_for(cache, version)
    initial: Sequence[StoredItem] = ()
    wants_state = options.send_initial_events
    if wants_state is None:
        wants_state = version == 0
    if wants_state:
        state: Sequence[CachedObject] = cache.list(prefix)
        initial = state if matches is None else [item for item in state if matches(item)]
    since = cache.revision if wants_state or version == 0 else version
    try:
        subscription = cache.subscribe(prefix, since)
    except Compacted as error:
        raise errors.Expired(f"too old resource version: {since} ({error.oldest})") from None
    return WatchSession(initial, since, subscription, matches)


def _scope(info: ResourceInfo, cluster: str, namespace: str, options: WatchOptions) -> str:
    """The narrowest prefix: a watch of one name is a watch of one key."""
    fields = options.field_selector
    name = fields.exact_value("metadata.name") if fields is not None else None
    if name and cluster != "*" and (namespace or not info.namespaced) and "/" not in name:
        return info.key(cluster, namespace, name)
    return info.cluster_prefix(cluster, namespace)
