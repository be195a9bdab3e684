"""One pass over one upsynced object: bring it up, keep it current, or take it back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from headwater.apis.workload.upsync import PODS
from headwater.base.clock import Clock
from headwater.client.paths import JSON_PATCH
from headwater.client.resource import ResourceClient
from headwater.controller import Result
from headwater.machinery.errors import AlreadyExists, Forbidden, Invalid, MethodNotAllowed, NotFound, StatusError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import (
    Object,
    deletion_timestamp,
    finalizers,
    labels,
    name,
    resource_version,
    split_key,
    uid,
)
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity, parse_item, says_object_is_absent
from headwater.syncer.mutate.jobs import JOB_UID_LABELS
from headwater.syncer.namespaces.mapping import NamespaceCollision, Namespaces
from headwater.syncer.spec.place import Place, place_of
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.body import reports_the_same, says_the_same, upsynced_body, upsynced_status
from headwater.syncer.upsync.marked import Marked
from headwater.syncer.upsync.pace import Pace
from headwater.telemetry.logging import get_logger

_NOT_SYNCED_SECONDS: Final = 1.0
_UNCONFIRMED_SECONDS: Final = 5.0
_REFUSED_SECONDS: Final = 30.0
_TELL_AFTER: Final = 4
"""So many times in a row a name has to be another target's before that is told: a move takes half a minute, too."""
_TELL_EVERY: Final = 100
"""And again so much later, an hour or so: Events expire."""
_SETTLE_SECONDS: Final = 0.5
"""A change that follows a write so soon waits a little: a pod that starts changes several times within a second."""

log = get_logger("syncer.upsync")


class UpsyncReconciler:
    """Brings the upstream object to what the marked downstream object shows.

    ``upstream`` is the upsyncer virtual workspaces; ``pace`` slows writes down when very many objects change at once.
    Of ``hidden`` resources nothing is brought up, by choice, and what was is taken back. ``clashes`` is called, once,
    with the upstream key of a downstream object whose name another target's object has there, and with the object.
    """

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        upstream: Upstream,
        marked: Marked,
        namespaces: Namespaces,
        hidden: Collection[GroupResource],
        clashes: Callable[[str, Object], None],
        pace: Pace,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._upstream = upstream
        self._marked = marked
        self._namespaces = namespaces
        self._hidden = hidden
        self._clashes = clashes
        self._pace = pace
        self._activity = activity
        self._clock = clock
        self._settled: dict[str, tuple[str, str]] = {}
        """Item -> resourceVersions downstream and upstream that were found, or made, to say the same."""
        self._written: dict[str, float] = {}
        self._taken: dict[str, int] = {}
        """Item -> how often in a row its name was another target's."""

    def forget(self, item: str) -> None:
        """The upstream object is gone: what was known of it holds no longer."""
        self._settled.pop(item, None)

    async def reconcile(self, item: str) -> Result | None:
        """Work on one item. Raises StatusError and TransportError."""
        resource, key = parse_item(item)
        if resource in self._hidden:
            stale = self._upstream.get(resource, key)
            if stale is not None:
                await self._remove(resource, self._upstream.resource(resource, key), stale)
            return None
        if self._marked.informers.version(resource) is None:
            return None  # Not followed any more; it comes again when it is.
        if not self._marked.known(resource) or not self._upstream.synced(resource):
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        try:
            place = place_of(resource, key, self._namespaces)
        except NamespaceCollision:
            return None  # The spec syncer reports it.
        obj = self._marked.get(resource, key, place)
        seen = self._upstream.get(resource, key)
        if obj is None or seen is not None:
            self._taken.pop(item, None)
        if obj is None:
            self._written.pop(item, None)
            self._settled.pop(item, None)
            return None if seen is None else await self._take_back(resource, key, place, seen)
        try:
            return await self._bring_up(item, resource, key, obj, seen)
        except StatusError as error:
            error.add_note(f"downstream {resource} {place}")
            raise

    async def _take_back(self, resource: GroupResource, key: str, place: Place, seen: Object) -> Result | None:
        """The object is not in our copy of the pcluster: only a live answer makes that a reason to delete."""
        if not self._marked.informers.synced(resource):
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        client = self._upstream.resource(resource, key)
        if not await self._marked.confirm_absent(resource, key, place):
            return Result(requeue_after_seconds=_UNCONFIRMED_SECONDS)
        await self._remove(resource, client, seen)
        return None

    async def _remove(self, resource: GroupResource, client: ResourceClient, seen: Object) -> None:
        await self._pace.wait()
        self._activity.note()
        try:
            if self._identity.finalizer in finalizers(seen):
                kept = [held for held in finalizers(seen) if held != self._identity.finalizer]
                # Others may have put theirs on it since.
                version = {"uid": uid(seen), "resourceVersion": resource_version(seen)}
                await client.patch(name(seen), {"metadata": {**version, "finalizers": kept or None}})
            # A pod that is being deleted stays until somebody says that its time is over.
            await client.delete(name(seen), uid=uid(seen), grace_period_seconds=0)
        except NotFound as error:
            if not says_object_is_absent(error, resource, name(seen)):
                raise  # No event would bring us back.

    async def _bring_up(
        self, item: str, resource: GroupResource, key: str, obj: Object, seen: Object | None
    ) -> Result | None:
        versions = (resource_version(obj), resource_version(seen) if seen is not None else "")
        if self._settled.get(item) == versions:
            return None
        wait = self._written.get(item, 0.0) + _SETTLE_SECONDS - self._clock.monotonic()
        if wait > 0 and seen is not None:
            return Result(requeue_after_seconds=wait)
        body = self._body(resource, key, obj, seen)
        if seen is None:
            return None if deletion_timestamp(obj) else await self._create(item, resource, key, obj, body)
        if deletion_timestamp(obj) and not deletion_timestamp(seen) and self._identity.finalizer in finalizers(seen):
            await self._upstream.resource(resource, key).delete(name(seen), uid=uid(seen))
            return None  # Its finalizer holds it; the event brings us back for the rest.
        client, stored = self._upstream.resource(resource, key), seen
        if not says_the_same(seen, body, resource):
            await self._pace.wait()
            body["metadata"].update(uid=uid(seen), resourceVersion=resource_version(seen))
            if deletion_timestamp(seen):
                body["metadata"]["finalizers"] = list(finalizers(seen))
            try:
                stored = await client.update(body)
            except Invalid as error:
                # Something else has taken its name, of which it may not become a copy by an update.
                log.info("made anew upstream", upstream=item, why=str(error))
                await self._remove(resource, client, seen)
                return None
        await self._report(item, client, obj, stored, before=resource_version(seen))
        return None

    def _body(self, resource: GroupResource, key: str, obj: Object, seen: Object | None) -> Object:
        _, space, object_name = split_key(key)

        def namespace_of(downstream: str) -> str:
            locator = self._namespaces.locator_of(downstream)
            return locator.namespace if locator is not None else ""

        job = self._marked.job_of(key, obj) if resource == PODS else None
        # A Job that is gone doesn't take the label along on which its pods were found.
        job_uid = uid(job) if job is not None else labels(seen or {}).get(JOB_UID_LABELS[0], "")
        return upsynced_body(
            obj,
            resource,
            key=self._identity.key,
            namespace=space,
            name=object_name,
            namespace_of=namespace_of,
            job_uid=job_uid,
        )

    async def _create(self, item: str, resource: GroupResource, key: str, obj: Object, body: Object) -> Result | None:
        """Make the object on the shard that has its workspace; any other refuses."""
        gvr = self._marked.informers.version(resource)
        assert gvr is not None, "checked by the caller"
        cluster, space, _ = split_key(key)
        await self._pace.wait()
        for shard in self._upstream.shards:
            client = shard.resource(gvr, cluster, space)
            try:
                stored = await client.create(body)
            except AlreadyExists:
                return await self._is_taken(item, client, obj)
            except (Forbidden, NotFound) as error:
                log.debug("not brought up", upstream=item, error=str(error))
            else:
                await self._report(item, client, obj, stored, before="")
                return None
        return Result(requeue_after_seconds=_REFUSED_SECONDS)

    async def _is_taken(self, item: str, client: ResourceClient, obj: Object) -> Result:
        """It is our own, which the informer has not seen yet; or another target's, which stays and can't be seen."""
        key = parse_item(item)[1]
        try:
            await client.get(split_key(key)[2])
        except NotFound:
            times = self._taken[item] = self._taken.get(item, 0) + 1
            if times % _TELL_EVERY == _TELL_AFTER:
                log.info("not brought up, as another pcluster's has its name", upstream=item)
                self._clashes(key, obj)
            return Result(requeue_after_seconds=min(_UNCONFIRMED_SECONDS * times, _REFUSED_SECONDS))
        self._taken.pop(item, None)
        return Result(requeue_after_seconds=_UNCONFIRMED_SECONDS)

    async def _report(self, item: str, client: ResourceClient, obj: Object, stored: Object, *, before: str) -> None:
        """Write the status if it differs, and remember what is in line now; ``before`` is what we started from."""
        status = upsynced_status(obj)
        if status is not None and not reports_the_same(stored, status):
            await self._pace.wait()
            patch: list[Object] = [
                {"op": "test", "path": "/metadata/uid", "value": uid(stored)},
                {"op": "add", "path": "/status", "value": status},
            ]
            try:
                stored = await client.patch_status(name(stored), patch, patch_type=JSON_PATCH)
            except MethodNotAllowed:
                log.debug("has no status upstream", upstream=item)
        self._settled[item] = (resource_version(obj), resource_version(stored))
        if resource_version(stored) != before:
            self._written[item] = self._clock.monotonic()
            self._activity.note()
