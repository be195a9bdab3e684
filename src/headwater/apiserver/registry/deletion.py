"""Deletion: preconditions, finalizers, propagation and grace, as the garbage collector and clients expect them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from headwater.apiserver.admission.interface import DELETE
from headwater.apiserver.registry import pipeline
from headwater.apiserver.registry.encoding import Answer, encode_stored
from headwater.apiserver.registry.options import DeleteOptions
from headwater.apiserver.registry.strategy import WriteContext
from headwater.apiserver.registry.writer import Writer
from headwater.apiserver.registry.writerequest import Current, WriteRequest
from headwater.base import jsonio
from headwater.base.tasks import TaskGroup
from headwater.machinery import errors
from headwater.machinery.fieldpath import invalid_value, not_supported
from headwater.machinery.objects import FOREGROUND_FINALIZER, ORPHAN_FINALIZER, Object, add_finalizer
from headwater.machinery.timestamps import format_time, parse_time
from headwater.storage.interface import KeyNotFound, RevisionMismatch
from headwater.storage.watchcache import splice_revision

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo
    from headwater.apiserver.registry.listing import StoredItem
    from headwater.apiserver.resources import ResourceInfo

PARALLEL_DELETES = 32
POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Deleted:
    """Outcome of a delete. `removed` is False while finalizers or a grace period hold the object."""

    answer: Answer
    removed: bool


def check_options(options: DeleteOptions) -> None:
    """Raise Invalid for options that contradict themselves."""
    found = []
    policy = options.propagation_policy
    if policy and policy not in POLICIES:
        found.append(not_supported("propagationPolicy", policy, [*POLICIES, "nil"]))
    if policy and options.orphan_dependents is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        found.append(invalid_value("propagationPolicy", policy, why))
    if options.grace_period_seconds is not None and options.grace_period_seconds < 0:
        found.append(invalid_value("gracePeriodSeconds", options.grace_period_seconds, "must not be negative"))
    if found:
        raise errors.invalid("DeleteOptions", "", found, group="meta.k8s.io")


async def delete(writer: Writer, request: WriteRequest, options: DeleteOptions) -> Deleted:
    """Delete an object, or mark it as being deleted. Raises NotFound, Conflict, and what admission raises.

    However often someone else is faster, it goes on from the newest state until the request's deadline, as Kubernetes
    does: only a precondition makes a lost race a conflict.
    """
    check_options(options)
    info = request.info
    key = info.key(request.cluster, request.namespace, request.name)
    current = await writer.current(info, key)
    while current is not None:
        try:
            return await _try_delete(writer, request, current, options)
        except (RevisionMismatch, KeyNotFound):
            await asyncio.sleep(0)  # A place where the deadline can end this, whatever the backend.
        current = await writer.current(info, key, fresh=True)
    raise errors.not_found(info.group_resource, request.name)


async def _try_delete(writer: Writer, request: WriteRequest, current: Current, options: DeleteOptions) -> Deleted:
    info, strategy = request.info, request.info.strategy
    obj = jsonio.loads(current.value)
    old = jsonio.loads(current.value)
    _check_preconditions(request, obj, current, options)
    attributes = writer.attributes(request, DELETE, None, pipeline.from_storage(info, jsonio.loads(current.value)))
    attributes.delete_options = options
    await writer.admission.admit(attributes)
    await writer.admission.validate(attributes)
    ctx = writer.context(request)
    meta = obj["metadata"]
    _set_propagation(meta, _policy(options, strategy.default_propagation(obj), meta))
    if not meta.get("deletionTimestamp"):
        for finalizer in strategy.deletion_finalizers(obj):
            add_finalizer(obj, finalizer)
    grace = strategy.grace_period_seconds(ctx, obj, options) if strategy.graceful else 0
    if not meta.get("finalizers") and not grace and not strategy.blocks_deletion(obj):
        if request.dry_run:
            return Deleted(Answer(current.value, current.revision), removed=True)
        revision = await writer.backend.delete(current.key, expected=current.revision)
        return Deleted(Answer(current.value, revision), removed=True)
    _mark(ctx, writer, obj, grace)
    if obj == old:
        return Deleted(Answer(current.value, current.revision), removed=False)
    stored = encode_stored(obj)
    revision = current.revision
    if not request.dry_run:
        revision = await writer.backend.put(current.key, stored, expected=current.revision)
    return Deleted(Answer(splice_revision(stored, revision), revision), removed=False)


def _mark(ctx: WriteContext, writer: Writer, obj: Object, grace: int) -> None:
    meta = obj["metadata"]
    marked = meta.get("deletionTimestamp")
    if marked and grace >= int(meta.get("deletionGracePeriodSeconds") or 0):
        return
    if marked:
        # A shorter grace period moves the end that the first delete promised.
        start = parse_time(marked).timestamp() - int(meta.get("deletionGracePeriodSeconds") or 0)
        meta["deletionTimestamp"] = format_time(_at(start + grace))
    else:
        meta["deletionTimestamp"] = format_time(_at(writer.clock.now().timestamp() + grace))
        if meta.get("generation"):
            meta["generation"] += 1
    meta["deletionGracePeriodSeconds"] = grace
    ctx.info.strategy.prepare_for_delete(ctx, obj)


def _check_preconditions(request: WriteRequest, obj: Object, current: Current, options: DeleteOptions) -> None:
    uid = options.precondition_uid
    if uid is not None and uid != obj["metadata"].get("uid"):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {obj['metadata'].get('uid')}"
        raise errors.conflict(request.info.group_resource, request.name, why)
    version = options.precondition_resource_version
    if version is not None and version != str(current.revision):
        why = (
            f"Precondition failed: ResourceVersion in precondition: {version}, "
            f"ResourceVersion in object meta: {current.revision}"
        )
        raise errors.conflict(request.info.group_resource, request.name, why)


def _policy(options: DeleteOptions, default: str, meta: Object) -> str:
    if options.orphan_dependents is not None:
        return "Orphan" if options.orphan_dependents else "Background"
    if options.propagation_policy:
        return options.propagation_policy
    held = meta.get("finalizers") or ()
    # Without a wish of the client's, what an earlier delete asked for stays.
    if ORPHAN_FINALIZER in held:
        return "Orphan"
    return "Foreground" if FOREGROUND_FINALIZER in held else default


def _set_propagation(meta: Object, policy: str) -> None:
    wanted = {"Orphan": ORPHAN_FINALIZER, "Foreground": FOREGROUND_FINALIZER}.get(policy)
    held = list(meta.get("finalizers") or ())
    kept = [f for f in held if f not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER) or f == wanted]
    if wanted is not None and wanted not in kept:
        kept.append(wanted)
    if kept:
        meta["finalizers"] = kept
    else:
        meta.pop("finalizers", None)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class DeleteOne(Protocol):
    """The store's delete, as `delete_all` calls it."""

    async def __call__(
        self, info: ResourceInfo, cluster: str, namespace: str, name: str, /, *, user: UserInfo, options: DeleteOptions
    ) -> Deleted: ...


async def delete_all(
    delete_one: DeleteOne,
    info: ResourceInfo,
    cluster: str,
    items: Sequence[StoredItem],
    user: UserInfo,
    options: DeleteOptions,
) -> None:
    """Delete what a list found, a bounded number at a time. What is gone by then is fine; raises the first error."""
    waiting = iter(items)
    found: list[errors.StatusError] = []

    async def work() -> None:
        for item in waiting:
            meta = item.decoded["metadata"]
            try:
                await delete_one(info, cluster, meta.get("namespace", ""), meta["name"], user=user, options=options)
            except errors.NotFound:
                continue
            except errors.StatusError as error:
                found.append(error)
                return

    async with TaskGroup(f"delete-collection/{info.resource}") as group:
        for _ in range(min(PARALLEL_DELETES, len(items))):
            group.start(work())
    if found:
        raise found[0]
