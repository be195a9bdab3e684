"""The downstream side: the pcluster's API server, and the objects on it that carry our label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION
from headwater.base.clock import Clock
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, controller_of, deletion_timestamp, labels, make_key, namespace, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.objects import name as object_name
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.informers import Changed, InformerSet
from headwater.syncer.mutate.body import HASH_ANNOTATION

BY_NAMESPACE: Final = "namespace"
BY_LOCATOR: Final = "locator"
BY_WORKSPACE: Final = "workspace"
_NAMESPACES: Final = GroupResource("", "namespaces")


class Downstream:
    """Client and informers of the pcluster. Only objects with the label of our SyncTarget are followed."""

    def __init__(
        self, cluster_client: ClusterClient, *, identity: TargetIdentity, changed: Changed, clock: Clock
    ) -> None:
        self.client: Client = cluster_client.cluster("")
        self._identity = identity
        self._changed = changed
        self._ending: set[str] = set()
        """Uids of copies that we are deleting, until the informer shows that they are gone."""
        self.beside: Changed = lambda _resource, _old, _new: None
        """Called for what has our label and is no copy."""
        self.informers = InformerSet(
            "downstream",
            resource_client=self.client.resource,
            changed=self._on_change,
            clock=clock,
            clustered=False,
            label_selector=identity.downstream_selector,
            indexers={
                BY_NAMESPACE: lambda obj: (namespace(obj),),
                BY_LOCATOR: _locator_text,
                BY_WORKSPACE: self._workspace_of,
            },
        )

    def sync(self, wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Follow these resources."""
        self.informers.sync(wanted)

    def get(self, resource: GroupResource, space: str, name: str) -> Object | None:
        """An object as it was last seen, not to be changed."""
        informer = self.informers.get(resource)
        return informer.get(make_key("", space, name)) if informer is not None else None

    def resource(self, resource: GroupResource, space: str) -> ResourceClient:
        """Client of a synced resource. Raises LookupError for one that isn't synced."""
        gvr = self.informers.version(resource)
        if gvr is None:
            raise LookupError(f"{resource} is not synced")
        return self.client.resource(gvr, space)

    def is_ours(self, obj: Object) -> bool:
        """Whether we applied an object.

        Our label alone does not say so: controllers copy labels (of a Service to its Endpoints and EndpointSlices)
        or annotations (of a Deployment to its ReplicaSets) to what they make, and what they make has an owner.
        """
        return (
            labels(obj).get(CLUSTER_LABEL) == self._identity.key
            and not annotations_of(obj).keys().isdisjoint((HASH_ANNOTATION, LOCATOR_ANNOTATION))
            and controller_of(obj) is None
        )

    @contextmanager
    def ending(self, resource: GroupResource, place: tuple[str, str], copy: Object) -> Iterator[None]:
        """Have a copy count as one that ends, from now on until it was seen to be gone, or the block raises."""
        known = self.get(resource, *place)
        if known is not None and uid(known) == uid(copy):  # Else no event would come to forget it by.
            self._ending.add(uid(copy))
        try:
            yield
        except BaseException:
            self._ending.discard(uid(copy))
            raise

    def ends(self, copy: Object) -> bool:
        """Whether a copy is on its way out: what it says of itself is not so for long."""
        return bool(deletion_timestamp(copy)) or uid(copy) in self._ending

    def owns_namespace(self, space: str) -> bool:
        """Whether a namespace is one of ours."""
        found = self.get(_NAMESPACES, "", space)
        return found is not None and self.is_ours(found)

    def _workspace_of(self, obj: Object) -> tuple[str, ...]:
        """The workspace that a namespace is mapped for."""
        locator = self._identity.own_locator(annotations_of(obj).get(LOCATOR_ANNOTATION))
        return (locator.cluster,) if locator is not None and locator.namespace else ()

    def _on_change(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Pass on changes of what is, or was, ours."""
        if old is not None and (new is None or uid(new) != uid(old)):
            self._ending.discard(uid(old))
        if any(obj is not None and self.is_ours(obj) for obj in (old, new)):
            self._changed(resource, old, new)
        else:
            self.beside(resource, old, new)

    def count(self) -> int:
        """How many copies there are."""
        return self.informers.count()

    def remaining_in(self, space: str) -> list[str]:
        """Our objects in a namespace, as `resource/name`."""
        found = []
        for resource in self.informers.resources:
            informer = self.informers.get(resource)
            if informer is not None:
                ours = (obj for obj in informer.by_index(BY_NAMESPACE, space) if space and self.is_ours(obj))
                found += [f"{resource}/{object_name(obj)}" for obj in ours]
        return found

    async def run(self) -> None:
        """Run the informers until cancelled."""
        await self.informers.run()


def _locator_text(obj: Object) -> tuple[str, ...]:
    text = annotations_of(obj).get(LOCATOR_ANNOTATION)
    return (text,) if text else ()
