"""Create and guaranteed update: the two ways an object changes in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, AdmissionChain
from headwater.apiserver.registry import metadata, pipeline
from headwater.apiserver.registry.encoding import Answer, encode_stored
from headwater.apiserver.registry.objectmeta import new_name
from headwater.apiserver.registry.strategy import WriteContext
from headwater.apiserver.registry.writerequest import Current, WriteRequest
from headwater.apiserver.resources import ResourceInfo
from headwater.base import jsonio
from headwater.machinery import errors
from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.patch import managed
from headwater.storage.interface import Backend, KeyExists, KeyNotFound, RevisionMismatch
from headwater.storage.watchcache import splice_revision

if TYPE_CHECKING:
    from headwater.base.clock import Clock
    from headwater.storage.watchcache import CacheSet

GENERATED_NAME_TRIES = 8
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


Transform = Callable[[Object], Object]
"""From the live object, which it must not change, to what the client wants it to be."""


class Writer:
    """Writes objects of any kind; the backend's expected revision makes every write atomic."""

    def __init__(
        self, backend: Backend, caches: CacheSet, clock: Clock, *, admission: AdmissionChain, stamp_clusters: bool
    ) -> None:
        self.backend = backend
        self.caches = caches
        self.clock = clock
        self.admission = admission
        self.stamp_clusters = stamp_clusters
        self._second = (-1, "")

    def context(self, request: WriteRequest) -> WriteContext:
        return WriteContext(
            request.info,
            request.cluster,
            request.namespace,
            request.name,
            request.user,
            self._now(),
            request.subresource,
            request.dry_run,
        )

    def _now(self) -> str:
        """The time in whole seconds; its text is made once a second."""
        now = self.clock.now()
        second = int(now.timestamp())
        if self._second[0] != second:
            self._second = (second, format_time(now))
        return self._second[1]

    def attributes(
        self, request: WriteRequest, operation: str, obj: Object | None, old: Object | None
    ) -> AdmissionAttributes:
        return AdmissionAttributes(
            operation,
            request.info,
            request.cluster,
            request.namespace,
            request.name,
            obj,
            old,
            request.user,
            request.subresource,
            request.dry_run,
            warn=request.warn,
        )

    async def current(
        self, info: ResourceInfo, key: str, *, fresh: bool = False, cached_only: bool = False
    ) -> Current | None:
        """The stored object; from the cache, from the backend when it isn't there (unless `cached_only`) or `fresh`."""
        if not fresh:
            cached = (await self.caches.cache(info.prefix)).get(key)
            if cached is not None:
                return Current(key, cached.value, cached.revision)
            if cached_only:
                return None
        stored = await self.backend.get(key)
        if stored is None:
            return None
        return Current(key, splice_revision(stored.value, stored.mod_revision), stored.mod_revision)

    async def create(self, request: WriteRequest, obj: Object, *, owned: bool = False) -> Answer:
        """Store a new object. `owned` says that metadata.managedFields is complete already (apply).

        Raises AlreadyExists, Invalid, BadRequest, and what admission raises.
        """
        info = request.info
        pipeline.check_type(info, obj, request.namespace)
        generated = new_name(info, obj)
        ctx = self.context(request)
        if "status" in info.subresources:
            obj.pop("status", None)
        with pipeline.blaming_types(info, obj):
            pipeline.clean(
                ctx, obj, request.field_validation, request.warn, duplicates=request.duplicates, patch=request.patch
            )
            metadata.fill_for_create(ctx, obj, generation=info.strategy.has_generation)
            attributes = self.attributes(request, CREATE, obj, None)
            attributes.name = obj["metadata"]["name"]
            await self.admission.admit(attributes)
            obj = attributes.object or obj
            info.strategy.prepare_for_create(ctx, obj)
        if not owned:
            pipeline.record_managers(ctx, None, obj, request.manager)
        if self.stamp_clusters:
            metadata.stamp_cluster(obj, request.cluster)
        pipeline.validate(ctx, obj, None)
        await self.admission.validate(attributes)
        for warning in info.strategy.warnings(ctx, obj):
            request.warn(warning)
        return await self._insert(request, obj, generated=generated)

    async def _insert(self, request: WriteRequest, obj: Object, *, generated: bool) -> Answer:
        info, meta = request.info, obj["metadata"]
        pipeline.to_storage(info, obj)
        for attempt in range(GENERATED_NAME_TRIES):
            key = info.key(request.cluster, request.namespace, meta["name"])
            stored = encode_stored(obj)
            if request.dry_run:
                if await self.current(info, key) is not None:
                    raise errors.already_exists(info.group_resource, meta["name"])
                return Answer(stored, 0, created=True)
            try:
                revision = await self.backend.put(key, stored, expected=0)
                return Answer(splice_revision(stored, revision), revision, created=True)
            except KeyExists:
                if not generated or attempt == GENERATED_NAME_TRIES - 1:
                    raise errors.already_exists(info.group_resource, meta["name"]) from None
                meta["name"] = ""
                new_name(info, obj)
        raise AssertionError("unreachable")

    async def update(
        self,
        request: WriteRequest,
        transform: Transform,
        *,
        needs_revision: bool = False,
        owned: bool = False,
        cached_only: bool = False,
    ) -> Answer:
        """Change an object as `transform` says; again from the newest state as often as someone else was faster, until
        the request's deadline, unless the result names a resourceVersion.

        `needs_revision` refuses results without one; `cached_only` takes what the cache doesn't have for missing.
        Raises NotFound, Conflict, Invalid, and what admission raises.
        """
        info = request.info
        key = info.key(request.cluster, request.namespace, request.name)
        current = await self.current(info, key, cached_only=cached_only)
        while current is not None:
            try:
                return await self._try_update(request, current, transform, needs_revision=needs_revision, owned=owned)
            except (RevisionMismatch, KeyNotFound):
                await asyncio.sleep(0)  # A place where the deadline can end this, whatever the backend.
            current = await self.current(info, key, fresh=True)
        raise errors.not_found(info.group_resource, request.name)

    async def _try_update(
        self, request: WriteRequest, current: Current, transform: Transform, *, needs_revision: bool, owned: bool
    ) -> Answer:
        info, value = request.info, current.value

        def copy() -> Object:
            return pipeline.from_storage(info, jsonio.loads(value))

        old = copy()
        wanted = transform(old)
        if not isinstance(wanted.get("metadata"), dict):
            raise errors.BadRequest("metadata must be an object")
        self._check_preconditions(request, wanted, old, current, needs_revision=needs_revision)
        ctx = self.context(request)
        obj = self._merge_subresource(request, wanted, old, copy)
        with pipeline.blaming_types(info, obj):
            pipeline.clean(
                ctx, obj, request.field_validation, request.warn, duplicates=request.duplicates, patch=request.patch
            )
            metadata.keep_for_update(obj, old)
            attributes = self.attributes(request, UPDATE, obj, old)
            await self.admission.admit(attributes)
            obj = attributes.object or obj
            info.strategy.prepare_for_update(ctx, obj, old)
        if info.strategy.has_generation:
            metadata.bump_generation(obj, old, status_subresource="status" in info.subresources)
        if not owned:
            pipeline.record_managers(ctx, old, obj, request.manager)
        if self.stamp_clusters:
            metadata.stamp_cluster(obj, request.cluster)
        pipeline.validate(ctx, obj, old)
        await self.admission.validate(attributes)
        for warning in info.strategy.warnings(ctx, obj):
            request.warn(warning)
        obj["metadata"]["resourceVersion"] = str(current.revision)
        managed.keep_times(obj, old)
        if obj == old:
            return Answer(value, current.revision)
        return await self._replace(request, obj, current)

    async def _replace(self, request: WriteRequest, obj: Object, current: Current) -> Answer:
        meta = obj["metadata"]
        gone = (
            bool(meta.get("deletionTimestamp"))
            and not meta.get("finalizers")
            and not meta.get("deletionGracePeriodSeconds")
            and not request.info.strategy.blocks_deletion(obj)
        )
        pipeline.to_storage(request.info, obj)
        stored = encode_stored(obj)
        if request.dry_run:
            return Answer(splice_revision(stored, current.revision), current.revision)
        if gone:
            # The last finalizer went: this update is the deletion.
            revision = await self.backend.delete(current.key, expected=current.revision)
        else:
            revision = await self.backend.put(current.key, stored, expected=current.revision)
        return Answer(splice_revision(stored, revision), revision)

    def _check_preconditions(
        self, request: WriteRequest, wanted: Object, old: Object, current: Current, *, needs_revision: bool
    ) -> None:
        info, meta = request.info, wanted["metadata"]
        uid, old_uid = meta.get("uid"), old["metadata"].get("uid")
        if uid and uid != old_uid:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}"
            raise errors.conflict(info.group_resource, request.name, why)
        stated = str(meta.get("resourceVersion") or "")
        if stated in ("", "0"):
            if needs_revision and not info.strategy.allow_unconditional_update:
                error = invalid_value("metadata.resourceVersion", _ZERO, "must be specified for an update")
                raise errors.invalid(info.kind, request.name, [error], group=info.group)
        elif stated != str(current.revision):
            raise errors.conflict(info.group_resource, request.name, MODIFIED)

    def _merge_subresource(
        self, request: WriteRequest, wanted: Object, old: Object, copy: Callable[[], Object]
    ) -> Object:
        """Main writes can't touch status where it is a subresource, and status writes can't touch the rest."""
        if request.subresource == "status":
            obj = copy()
            _take(obj, "status", wanted)
            managers = (wanted.get("metadata") or {}).get("managedFields")
            if managers is not None:
                obj["metadata"]["managedFields"] = managers
            return obj
        if "status" in request.info.subresources and not request.subresource:
            _take(wanted, "status", old)
        return wanted


class _GoZero:
    """Prints as Go prints the unsigned zero in this message."""

    def __repr__(self) -> str:
        return "0x0"


_ZERO = _GoZero()


def _take(target: Object, field: str, source: Object) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)
