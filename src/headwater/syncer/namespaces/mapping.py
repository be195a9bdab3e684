"""Which downstream namespace belongs to which upstream one, and making sure that it is there and ours."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, TENANT_LABEL
from headwater.apis.workload.locator import NamespaceLocator
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, deletion_timestamp, labels, name, resource_version, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.downstream import BY_LOCATOR, BY_WORKSPACE, Downstream
from headwater.syncer.identity import DownstreamNamespace, TargetIdentity
from headwater.telemetry.logging import get_logger

log = get_logger("syncer.namespaces")
NAMESPACES: Final = GroupResource("", "namespaces")
NAMESPACES_GVR: Final = GroupVersionResource("", "v1", "namespaces")
_ADOPTED: Final = (CLUSTER_LABEL, TENANT_LABEL)


def is_as_before(old: Object | None, new: Object | None) -> bool:
    """Whether a downstream namespace is there as before, and says as before whose it is."""
    if old is None or new is None:
        return old is new
    before, now = (annotations_of(each).get(LOCATOR_ANNOTATION) for each in (old, new))
    return before == now and labels(old) == labels(new)


class NamespaceCollision(Exception):
    """The downstream namespace that an upstream one needs belongs to someone else."""


class NamespaceTerminating(Exception):
    """The downstream namespace is on its way out; the next one can be made when it is gone."""


class Namespaces:
    """The mapping, over the informer of downstream namespaces that carry our label."""

    def __init__(self, downstream: Downstream, identity: TargetIdentity) -> None:
        self._downstream = downstream
        self._identity = identity
        self._ensured: dict[str, NamespaceLocator] = {}
        """Namespaces that are there as far as we know, and what they were made for."""
        self._making: dict[str, asyncio.Lock] = {}
        """Namespaces that are being made, as long as they are; one request serves all objects that wait for it."""

    def get(self, space: str) -> Object | None:
        """A downstream namespace of ours as it was last seen."""
        return self._downstream.get(NAMESPACES, "", space)

    @property
    def listed(self) -> bool:
        """Whether it is known which namespaces there are below, as far as we may ask."""
        informers = self._downstream.informers
        return informers.version(NAMESPACES) is None or informers.synced(NAMESPACES)

    def known(self, cluster: str, namespace: str) -> str:
        """Name of the downstream namespace: the one that carries the locator, else the one that will.

        Raises NamespaceCollision when several carry it.
        """
        found = self.carriers(cluster, namespace)
        if len(found) > 1:
            raise NamespaceCollision(f"(namespace collision) found multiple downstream namespaces: {', '.join(found)}")
        return found[0] if found else self._identity.namespace_for(cluster, namespace).name

    def carriers(self, cluster: str, namespace: str) -> list[str]:
        """Names of the downstream namespaces that carry the locator of an upstream one."""
        locator = self._identity.namespace_for(cluster, namespace).locator
        informer = self._downstream.informers.get(NAMESPACES)
        return sorted(map(name, informer.by_index(BY_LOCATOR, locator))) if informer is not None else []

    def locator_of(self, space: str) -> NamespaceLocator | None:
        """Where a downstream namespace of ours comes from; None for any other.

        One that was made and never seen may have gone again, and what was in it has to be told apart all the same.
        """
        obj = self.get(space)
        return self.locator_from(obj) if obj is not None else self._ensured.get(space)

    def locator_from(self, space: Object) -> NamespaceLocator | None:
        """The locator that a namespace carries, if it is one of our SyncTarget."""
        return self._identity.own_locator(annotations_of(space).get(LOCATOR_ANNOTATION))

    def orphans(self) -> list[str]:
        """Namespaces that carry our sync target key for another uid: of a SyncTarget that ours has taken the place of.

        What is in them still runs beside what we make, and whoever owns the pcluster decides when it goes.
        """
        informer = self._downstream.informers.get(NAMESPACES)
        spaces = informer.list() if informer is not None else ()
        return [
            name(space)
            for space in spaces
            if LOCATOR_ANNOTATION in annotations_of(space) and self.locator_from(space) is None
        ]

    def of_workspace(self, cluster: str) -> dict[str, str]:
        """Upstream to downstream name of every namespace that a workspace has here; of two with one name, the first."""
        informer = self._downstream.informers.get(NAMESPACES)
        found: dict[str, str] = {}
        for space in sorted(informer.by_index(BY_WORKSPACE, cluster), key=name) if informer is not None else ():
            locator = self.locator_from(space)
            if locator is not None:
                found.setdefault(locator.namespace, name(space))
        return found

    async def ensure(self, cluster: str, namespace: str) -> str:
        """Make the downstream namespace of an upstream one if need be; its name.

        Raises NamespaceCollision, NamespaceTerminating, StatusError and TransportError.
        """
        space = self.known(cluster, namespace)
        wanted = self._identity.namespace_for(cluster, namespace)
        if self._is_there(space, wanted):
            return space
        making = self._making.setdefault(space, asyncio.Lock())
        try:
            async with making:
                if not self._is_there(space, wanted):
                    await self._create(space, wanted)
                    self._ensured[space] = self._identity.locator(cluster, namespace)
        finally:
            if not making.locked():
                self._making.pop(space, None)
        return space

    def changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a change of a downstream namespace: what was ensured before may be true no longer."""
        if old is not None and (new is None or deletion_timestamp(new)):
            self._ensured.pop(name(old), None)
        elif old is None and new is not None and self.locator_from(new) is None:
            log.warning("namespace of a SyncTarget that was replaced by ours", downstream=name(new))

    def is_gone(self, space: str) -> bool:
        """Whether a downstream namespace was there and is no more: what is still seen in it has gone with it.

        The watches of a pcluster don't wait for each other, so its end may come before that of what was in it.
        """
        known = self._downstream.informers.synced(NAMESPACES)
        return known and self.get(space) is None and space not in self._ensured

    def forget(self, space: str) -> None:
        """Look at a namespace again before the next use, because a write into it failed."""
        self._ensured.pop(space, None)

    def _is_there(self, space: str, wanted: DownstreamNamespace) -> bool:
        """Whether a namespace was made, as far as we have seen or done it. Raises NamespaceTerminating."""
        seen = self.get(space)
        if seen is None:
            return space in self._ensured
        if deletion_timestamp(seen):
            raise NamespaceTerminating(f"downstream namespace {space} is being deleted")
        return self._is_complete(seen, wanted)

    def _is_complete(self, space: Object, wanted: DownstreamNamespace) -> bool:
        marks = labels(space)
        return (
            annotations_of(space).get(LOCATOR_ANNOTATION) == wanted.locator
            and marks.get(TENANT_LABEL) == wanted.tenant
            and marks.get(CLUSTER_LABEL) == self._identity.key
        )

    async def _create(self, space: str, wanted: DownstreamNamespace) -> None:
        marks = {CLUSTER_LABEL: self._identity.key, TENANT_LABEL: wanted.tenant}
        resource = self._downstream.client.resource(NAMESPACES_GVR)
        meta = {"name": space, "labels": marks, "annotations": {LOCATOR_ANNOTATION: wanted.locator}}
        try:
            await resource.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        except AlreadyExists:
            await self._check_existing(resource, space, wanted, marks)

    async def _check_existing(
        self, resource: ResourceClient, space: str, wanted: DownstreamNamespace, marks: dict[str, str]
    ) -> None:
        try:
            live = await resource.get(space)
        except NotFound as error:
            raise NamespaceTerminating(f"downstream namespace {space} has just gone") from error
        text = annotations_of(live).get(LOCATOR_ANNOTATION)
        if text is None:
            raise NamespaceCollision(f"(namespace collision) namespace {space} has no namespace locator")
        if text != wanted.locator:
            raise NamespaceCollision(
                f"(namespace collision) namespace {space} already exists, "
                f"but has a different namespace locator annotation: {text}"
            )
        if deletion_timestamp(live):
            raise NamespaceTerminating(f"downstream namespace {space} is being deleted")
        if any(labels(live).get(label) != marks[label] for label in _ADOPTED):
            preconditions = {"uid": uid(live), "resourceVersion": resource_version(live)}
            await resource.patch(space, {"metadata": {"labels": marks, **preconditions}})
