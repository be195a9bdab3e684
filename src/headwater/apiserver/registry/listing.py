"""Get and list: from the watch cache when it has the state that is asked for, else from a snapshot of the backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater.apiserver.registry import continuation, selection
from headwater.apiserver.registry.encoding import Answer
from headwater.apiserver.registry.options import ListOptions
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery import errors
from headwater.machinery.fieldpath import forbidden_field, not_supported
from headwater.machinery.objects import Object
from headwater.machinery.revisions import counted
from headwater.storage.interface import Backend, Compacted, FutureRevision
from headwater.storage.watchcache import CacheSet, WatchCache, splice_revision

EXACT = "Exact"
NOT_OLDER_THAN = "NotOlderThan"
RESOURCE_VERSION_WAIT_SECONDS = 3.0
_PAGE = 500


class StoredItem(Protocol):
    """One object of a list: bytes with resourceVersion, decoded when asked for."""

    @property
    def key(self) -> str: ...

    @property
    def value(self) -> bytes: ...

    @property
    def revision(self) -> int: ...

    @property
    def decoded(self) -> Object: ...

    @property
    def labels(self) -> Mapping[str, str]: ...


class SnapshotItem(Answer):
    """An object read from the backend at an older revision."""

    __slots__ = ("key",)

    def __init__(self, key: str, value: bytes, revision: int) -> None:
        super().__init__(value, revision)
        self.key = key

    @property
    def labels(self) -> Mapping[str, str]:
        return self.decoded["metadata"].get("labels") or {}


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `continue_token` is "" on the last; `remaining` None when unknown (with selectors)."""

    items: Sequence[StoredItem]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


def parse_revision(text: str) -> int:
    """A resourceVersion parameter; 0 for "" and "0". Raises BadRequest for anything but a decimal number."""
    if not text:
        return 0
    revision = counted(text)
    if revision is None:
        raise errors.BadRequest(f"invalid resource version: {text!r}")
    return revision


def check_options(options: ListOptions) -> None:
    """Raise Invalid for a resourceVersionMatch that makes no sense."""
    match, version = options.resource_version_match, options.resource_version
    if not match:
        if options.continue_token and version not in ("", "0"):
            raise errors.BadRequest("specifying resource version is not allowed when using continue")
        return
    path = "resourceVersionMatch"
    if not version:
        found = [forbidden_field(path, f"{path} is forbidden unless resourceVersion is provided")]
    elif options.continue_token:
        found = [forbidden_field(path, f"{path} is forbidden when continue is provided")]
    elif match not in (EXACT, NOT_OLDER_THAN):
        found = [not_supported(path, match, [EXACT, NOT_OLDER_THAN, ""])]
    elif match == EXACT and version == "0":
        found = [forbidden_field(path, f'{path} "{EXACT}" is forbidden for resourceVersion "0"')]
    else:
        return
    raise errors.invalid("ListOptions", "", found, group="meta.k8s.io")


async def wait_for(cache: WatchCache, revision: int) -> None:
    """Wait until the cache has a revision; raises Timeout when that is in the future."""
    if revision <= cache.revision:
        return
    try:
        await cache.wait_for(revision, RESOURCE_VERSION_WAIT_SECONDS)
    except FutureRevision as error:
        raise errors.too_large_resource_version(revision, error.current) from None


class Reader:
    """Reads objects of any kind."""

    def __init__(self, backend: Backend, caches: CacheSet) -> None:
        self._backend = backend
        self._caches = caches

    async def get(
        self, info: ResourceInfo, cluster: str, namespace: str, name: str, resource_version: str = ""
    ) -> StoredItem:
        """One object. Raises NotFound, and Timeout for a resourceVersion that doesn't come."""
        cache = await self._caches.cache(info.prefix)
        if resource_version:
            await wait_for(cache, parse_revision(resource_version))
        found = cache.get(info.key(cluster, namespace, name))
        if found is None:
            raise errors.not_found(info.group_resource, name)
        return found

    async def list(self, info: ResourceInfo, cluster: str, namespace: str, options: ListOptions) -> Listed:
        """One page of a list. Raises Expired for a snapshot that is gone, Timeout for one that doesn't come."""
        check_options(options)
        matches = selection.predicate(info, options.label_selector, options.field_selector)
        prefix = info.cluster_prefix(cluster, namespace)
        if options.continue_token:
            return await self._continue(prefix, options, matches)
        version = parse_revision(options.resource_version)
        exact = options.resource_version_match == EXACT or (
            version > 0 and options.limit > 0 and not options.resource_version_match
        )
        if exact:
            return await self._snapshot(prefix, options, matches, revision=version)
        cache = await self._caches.cache(info.prefix)
        if version:
            await wait_for(cache, version)
        return self._from_cache(cache, info, cluster, namespace, prefix, options, matches)

    def _from_cache(
        self,
        cache: WatchCache,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        prefix: str,
        options: ListOptions,
        matches: selection.Predicate | None,
    ) -> Listed:
        revision, limit = cache.revision, options.limit
        items: Sequence[StoredItem]
        name = options.field_selector.exact_value("metadata.name") if options.field_selector is not None else None
        if name is not None and "/" not in name and cluster != "*" and (namespace or not info.namespaced):
            one = cache.get(info.key(cluster, namespace, name))
            items = [one] if one is not None and (matches is None or matches(one)) else []
        elif matches is None:
            items = cache.list(prefix, limit=limit + 1 if limit else 0)
        else:
            items = [item for item in cache.list(prefix) if matches(item)]
        if not limit or len(items) <= limit:
            return Listed(items, revision)
        page = items[:limit]
        token = continuation.encode(continuation.Position(page[-1].key[len(prefix) :], revision))
        remaining = cache.count(prefix, start_after=page[-1].key) if matches is None else None
        return Listed(page, revision, token, remaining)

    async def _continue(self, prefix: str, options: ListOptions, matches: selection.Predicate | None) -> Listed:
        position = continuation.decode(options.continue_token)
        if position.revision is None:
            return await self._snapshot(prefix, options, matches, start=position.start_after, revision=0)
        try:
            return await self._snapshot(
                prefix, options, matches, start=position.start_after, revision=position.revision
            )
        except errors.Expired:
            rest = continuation.Position(position.start_after, None)
            raise continuation.ContinueExpired(continuation.encode(rest)) from None

    async def _snapshot(
        self,
        prefix: str,
        options: ListOptions,
        matches: selection.Predicate | None,
        *,
        revision: int,
        start: str = "",
    ) -> Listed:
        limit = options.limit
        items: list[SnapshotItem] = []
        after = prefix + start if start else ""
        while True:
            want = limit + 1 - len(items) if limit and matches is None else _PAGE
            try:
                page = await self._backend.range(prefix, start_after=after, limit=want, revision=revision)
            except Compacted as error:
                raise errors.Expired(
                    f"The resourceVersion for the provided list is too old: {revision} (oldest {error.oldest})"
                ) from None
            except FutureRevision:
                raise errors.too_large_resource_version(revision, self._backend.revision()) from None
            revision = revision or page.revision
            for stored in page.items:
                item = SnapshotItem(stored.key, splice_revision(stored.value, stored.mod_revision), stored.mod_revision)
                if matches is None or matches(item):
                    items.append(item)
            if not page.more or (limit and len(items) > limit):
                break
            after = page.items[-1].key
        if not limit or len(items) <= limit:
            return Listed(items, revision)
        last = items[limit - 1]
        token = continuation.encode(continuation.Position(last.key[len(prefix) :], revision))
        remaining = None
        if matches is None:
            remaining = len(items) - limit + page.remaining
        return Listed(items[:limit], revision, token, remaining)
