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
        """Store a change, in the order that it asks for. Raises Conflict when it came too late."""
        obj = change.object
        client = self.resource(target, resource, namespace(obj))
        if not resource.has_status:
            return await client.update(obj)
        writes = [client.update_status] if change.status_changed else []
        if change.main_changed:
            writes.insert(len(writes) if change.status_first else 0, client.update)
        stored = obj
        for write in writes:
            metadata(obj)["resourceVersion"] = resource_version(stored)
            stored = await write(obj)
        return stored
