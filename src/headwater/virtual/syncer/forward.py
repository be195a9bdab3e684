"""Carries a syncer's requests on to the logical clusters, with the server's own rights."""

from __future__ import annotations

from headwater.machinery.objects import Object, metadata, namespace, resource_version
from headwater.virtual.syncer.writes import StoredChange
from headwater.virtual.synctarget.domain import DomainResource
from headwater.virtual.synctarget.forward import Forwarder
from headwater.virtual.synctarget.target import TargetRequest


class SyncForwarder(Forwarder):
    """Also stores what a syncer's write stands for."""

    async def store(self, target: TargetRequest, resource: DomainResource, change: StoredChange) -> Object:
        """Store a change; status first, because the rest may refer to it. Raises Conflict when it came too late."""
        obj = change.object
        client = self.resource(target, resource, namespace(obj))
        if change.status_changed and resource.has_status:
            stored = await client.update_status(obj)
            if not change.main_changed:
                return stored
            metadata(obj)["resourceVersion"] = resource_version(stored)
        if change.main_changed or not resource.has_status:
            return await client.update(obj)
        return obj
