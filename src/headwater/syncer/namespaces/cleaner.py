"""Deletes downstream namespaces whose upstream namespace is gone from our view, after a delay and a live check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headwater.apis.workload.labels import LOCATOR_ANNOTATION
from headwater.apis.workload.locator import NamespaceLocator
from headwater.base.clock import Clock
from headwater.client.informer.indexes import BY_NAMESPACE, namespace_index_value
from headwater.controller import Controller, Result
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.objects import Object, deletion_timestamp, make_key, name, resource_version, split_key, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.namespaces.mapping import NAMESPACES, NAMESPACES_GVR, Namespaces
from headwater.syncer.upstream import Upstream
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

log = get_logger("syncer.namespaces")
_STILL_USED_SECONDS: Final = 60.0


class NamespaceCleaner:
    """A controller over downstream namespaces; its keys are their names.

    A namespace is deleted only when it is ours by label and locator, no object of ours is in it, or in the view of the
    upstream one, in any informer, all informers are current, and the virtual workspace says live that the upstream
    namespace is not ours (any more). While deletions are ``held`` none is: a control plane that went back in time says
    that of namespaces, too.
    """

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        upstream: Upstream,
        downstream: Downstream,
        namespaces: Namespaces,
        delay_seconds: float,
        held: Callable[[], bool],
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._identity = identity
        self._upstream = upstream
        self._downstream = downstream
        self._namespaces = namespaces
        self._delay_seconds = delay_seconds
        self._held = held
        self._again = Result(requeue_after_seconds=min(max(delay_seconds, 1.0), _STILL_USED_SECONDS))
        self.controller = Controller(
            "syncer-namespaces", reconcile=self.reconcile, workers=1, clock=clock, registry=registry
        )

    def downstream_changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a change of a downstream namespace."""
        if new is not None and (old is None or annotations_of(old) != annotations_of(new)):
            self.plan(name(new))

    def upstream_changed(self, key: str, new: Object | None) -> None:
        """Hear of a change of an upstream namespace in our view."""
        if new is None:
            cluster, _, namespace = split_key(key)
            for space in self._namespaces.carriers(cluster, namespace):
                self.plan(space)

    def plan(self, space: str) -> None:
        """Look at a downstream namespace after the delay."""
        self.controller.enqueue_after(space, self._delay_seconds)

    async def reconcile(self, space: str) -> Result | None:
        """Delete one namespace if nothing speaks against it."""
        obj = self._namespaces.get(space)
        locator = self._namespaces.locator_of(space)
        if obj is None or locator is None or deletion_timestamp(obj) or not locator.namespace:
            return None
        key = make_key(locator.cluster, "", locator.namespace)
        if self._upstream.get(NAMESPACES, key) is not None:
            return None
        if self._held() or not self._downstream.informers.all_synced or not self._upstream.synced(NAMESPACES):
            return self._again
        if self._is_used(space, locator) or not await self._upstream.confirm_absent(NAMESPACES, key):
            return self._again
        if self._is_used(space, locator) or self._held():
            return self._again  # Something came while the question was on its way.
        await self._delete(obj, space, key)
        return None

    def _is_used(self, space: str, locator: NamespaceLocator) -> bool:
        """Whether objects are in a namespace, or are to come: a workload may stay when its namespace has left."""
        value = namespace_index_value(locator.cluster, locator.namespace)
        for resource in self._downstream.informers.resources:
            for informer in self._upstream.informers(resource):
                if informer.index_keys(BY_NAMESPACE, value):
                    return True
        return bool(self._downstream.remaining_in(space))

    async def _delete(self, obj: Object, space: str, upstream_key: str) -> None:
        """Delete exactly the namespace that was looked at."""
        assert self._identity.own_locator(annotations_of(obj).get(LOCATOR_ANNOTATION)), "only our own are deleted"
        log.info("deleting namespace", downstream=space, upstream=upstream_key)
        try:
            await self._downstream.client.resource(NAMESPACES_GVR).delete(
                space, uid=uid(obj), resource_version=resource_version(obj)
            )
        except NotFound:
            pass
        except Conflict:
            self.plan(space)
