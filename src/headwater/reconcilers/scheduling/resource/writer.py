"""Writes what was concluded of one object, as one patch that fails when it was replaced or changed meanwhile."""

from __future__ import annotations

from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, namespace, resource_version, uid
from headwater.reconcilers.scheduling.resource.step_intent import IntentChange


class IntentWriter:
    """Carries changes of labels, annotations and finalizers out."""

    def __init__(self, cluster_client: ClusterClient) -> None:
        self._cluster_client = cluster_client

    async def write(self, gvr: GroupVersionResource, obj: Object, change: IntentChange) -> Object | None:
        """The object as it is now; None when it is gone. Raises Conflict when it changed meanwhile."""
        client = self._cluster_client.cluster(cluster_name(obj)).resource(gvr, namespace(obj))
        try:
            if change.delete:
                await client.delete(name(obj), uid=uid(obj), grace_period_seconds=0)
                return None
            meta: Object = {"uid": uid(obj), "resourceVersion": resource_version(obj)}
            if change.labels:
                meta["labels"] = change.labels
            if change.annotations:
                meta["annotations"] = change.annotations
            if change.finalizers is not None:
                meta["finalizers"] = change.finalizers
            return await client.patch(name(obj), {"metadata": meta})
        except NotFound:
            return None
