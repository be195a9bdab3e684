"""Workloads whose replicas belong to an autoscaler of the pcluster, so that syncing and scaling never fight.

What is downstream was in the view first: whoever asks here before an apply knows of every autoscaler that could have
acted already, and of one that is going until its copy is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.apis.workload.autoscalers import AUTOSCALERS, autoscalers_of, owns_replicas, scale_target
from headwater.client.informer.indexes import BY_NAMESPACE, namespace_index_value
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.objects import Object, make_key, name, namespace, nested, split_key, uid
from headwater.syncer.downstream import BY_NAMESPACE as DOWNSTREAM_BY_NAMESPACE
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import item_of
from headwater.syncer.spec.place import Place
from headwater.syncer.upstream import Upstream

FIELD_MANAGER: Final = "syncer-autoscaled"
"""Holds the replicas between the syncer, who gives them up, and the autoscaler, who has not set them yet."""


_ATTEMPTS: Final = 4


class Autoscaling:
    """Answers whether replicas are an autoscaler's, from both sides."""

    def __init__(self, upstream: Upstream, downstream: Downstream) -> None:
        self._upstream = upstream
        self._downstream = downstream

    def known_for(self, obj: Object) -> bool:
        """False while autoscalers are synced but not all listed, for an object that could have one."""
        if not _has_replicas(obj) or self._downstream.informers.version(AUTOSCALERS) is None:
            return True
        return self._upstream.synced(AUTOSCALERS) and self._downstream.informers.synced(AUTOSCALERS)

    async def copy_to_keep(
        self, client: ResourceClient, key: str, upstream: Object, place: Place, seen: Object | None
    ) -> Object | None:
        """The copy whose replicas are to be left as they are, None where they are to be applied.

        `seen` is the copy as it was last seen. Where that says that there is none, or that nothing runs, it is read
        anew: replicas that an autoscaler has set since must not be set back.
        """
        if not _has_replicas(upstream):
            return None
        found = autoscalers_of(upstream, self._around(key, place.namespace))
        if not found:
            return None
        if seen is None or not nested(seen, "spec", "replicas", default=0):
            try:
                seen = await client.get(place.name)
            except NotFound:
                return None
        live = nested(seen, "spec", "replicas", default=0)
        return seen if owns_replicas(found, wanted=upstream["spec"]["replicas"], live=live) else None

    def scaled_by(self, autoscaler: Object, key: str) -> Iterable[str]:
        """The items that an autoscaler, by its upstream key, scales."""
        group, kind, object_name = scale_target(autoscaler)
        cluster, space, _ = split_key(key)
        scaled_key = make_key(cluster, space, object_name)
        for resource in self._downstream.informers.resources:
            if resource.group == group and (self._upstream.get(resource, scaled_key) or {}).get("kind") == kind:
                yield item_of(resource, scaled_key)

    def _around(self, key: str, downstream_namespace: str) -> Iterable[Object]:
        """All autoscalers of the object's namespace: those in the view, and copies that are not gone yet."""
        cluster, space, _ = split_key(key)
        for informer in self._upstream.informers(AUTOSCALERS):
            yield from informer.by_index(BY_NAMESPACE, namespace_index_value(cluster, space))
        copies = self._downstream.informers.get(AUTOSCALERS)
        if copies is not None:
            yield from copies.by_index(DOWNSTREAM_BY_NAMESPACE, downstream_namespace)


async def hand_over(client: ResourceClient, copy: Object) -> None:
    """Have the replicas stay as they are when the syncer stops to apply them.

    A field that its only manager no longer applies goes away, and its default is one replica. So another manager takes
    it as it is, without force; when it was changed meanwhile, as it is then. Raises Conflict when it never stays.
    """
    for attempt in range(_ATTEMPTS):
        body: Object = {
            "apiVersion": copy["apiVersion"],
            "kind": copy["kind"],
            "metadata": {"name": name(copy), "namespace": namespace(copy), "uid": uid(copy)},
            "spec": {"replicas": copy["spec"]["replicas"]},
        }
        try:
            await client.apply(body, field_manager=FIELD_MANAGER)
            return
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
        copy = await client.get(name(copy))


def _has_replicas(obj: Object) -> bool:
    found = nested(obj, "spec", "replicas")
    return isinstance(found, int) and not isinstance(found, bool)
