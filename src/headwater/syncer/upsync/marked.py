"""The objects of the pcluster that are marked to come up, and which of them really may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.labels import STATE_UPSYNC, state_label
from headwater.apis.workload.upsync import ENDPOINT_SLICES, ENDPOINTS, PODS, SECRETS, asks_for
from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.client.informer.informer import Transform, drop_managed_fields
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, labels, make_key, name, namespace, split_key, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.downstream import BY_NAMESPACE, Downstream
from headwater.syncer.identity import TargetIdentity, says_object_is_absent
from headwater.syncer.informers import Changed, InformerSet
from headwater.syncer.mutate.jobs import JOB_UID_LABELS
from headwater.syncer.mutate.secrets import ACCOUNT_NAME_ANNOTATION
from headwater.syncer.namespaces.mapping import NAMESPACES, Namespaces
from headwater.syncer.spec.place import Place, upstream_key
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.outline import pod_outline

SERVICES: Final = GroupResource("", "services")
JOBS: Final = GroupResource("batch", "jobs")
BY_SERVICE: Final = "service"
_JOB_LABEL: Final = "job-name"
_SERVICE_LABEL: Final = "kubernetes.io/service-name"
_CREDENTIALS: Final = "kubernetes.io/service-account-token"


class Marked:
    """Informers of what carries our Upsync label, whoever put it there.

    ``copies`` are the objects that we brought down, ``placed`` those that they come from: both may say what is to come
    up of what is derived from them.
    """

    def __init__(
        self,
        client: Client,
        *,
        identity: TargetIdentity,
        copies: Downstream,
        placed: Upstream,
        namespaces: Namespaces,
        changed: Changed,
        clock: Clock,
    ) -> None:
        self._client = client
        self._identity = identity
        self._copies = copies
        self._placed = placed
        self._namespaces = namespaces
        self.informers = InformerSet(
            "marked",
            resource_client=client.resource,
            changed=changed,
            clock=clock,
            clustered=False,
            label_selector=f"{state_label(identity.key)}={STATE_UPSYNC}",
            indexers={BY_NAMESPACE: lambda obj: (namespace(obj),), BY_SERVICE: _by_service},
            transform=_kept,
        )

    def sync(self, wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Follow these resources."""
        self.informers.sync(wanted)

    def known(self, resource: GroupResource) -> bool:
        """Whether all is known that says which objects of a resource come up: namespaces, and who asks for what."""
        copies = self._copies.informers
        if not copies.synced(NAMESPACES):
            return False
        if resource == SECRETS:
            return self._placed.synced(NAMESPACES)
        if resource in (ENDPOINTS, ENDPOINT_SLICES):
            return copies.version(SERVICES) is None or copies.synced(SERVICES)
        if resource == PODS:
            return copies.version(JOBS) is None or (copies.synced(JOBS) and self._placed.synced(JOBS))
        return True

    def job_of(self, key: str, pod: Object) -> Object | None:
        """The Job upstream whose copy has made a pod, which has the upstream key ``key``; None for any other pod."""
        made_by = labels(pod).get(JOB_UID_LABELS[0])
        copy = self._copies.get(JOBS, namespace(pod), labels(pod).get(_JOB_LABEL, "")) if made_by else None
        if copy is None or uid(copy) != made_by:
            return None
        cluster, space, _ = split_key(key)
        return self._placed.get(JOBS, make_key(cluster, space, name(copy)))

    def key_of(self, resource: GroupResource, obj: Object) -> str | None:
        """Key of the upstream object; None for what isn't in a namespace of ours, or has no locator of ours."""
        return upstream_key(resource, obj, namespaces=self._namespaces, identity=self._identity)

    def get(self, resource: GroupResource, key: str, place: Place) -> Object | None:
        """The object at a place as it was last seen, if it is to come up under this very key."""
        informer = self.informers.get(resource)
        obj = informer.get(make_key("", place.namespace, place.name)) if informer is not None else None
        return obj if obj is not None and self.comes_up(resource, key, obj) else None

    async def confirm_absent(self, resource: GroupResource, key: str, place: Place) -> bool:
        """Whether the pcluster says, live, that there is no such object, or that it isn't to come up (any more).

        Raises StatusError and TransportError when it doesn't say.
        """
        gvr = self.informers.version(resource)
        if gvr is None:
            return False
        try:
            live = await self._client.resource(gvr, place.namespace).get(place.name)
        except NotFound as error:
            return says_object_is_absent(error, resource, place.name)
        return not self.comes_up(resource, key, live)

    def comes_up(self, resource: GroupResource, key: str, obj: Object) -> bool:
        """Whether an object is marked, is ours, and was asked for where somebody has to ask."""
        if labels(obj).get(state_label(self._identity.key)) != STATE_UPSYNC or self.key_of(resource, obj) != key:
            return False
        if resource == SECRETS:
            return self._secret_comes_up(key, obj)
        if resource in (ENDPOINTS, ENDPOINT_SLICES):
            service = self._copies.get(SERVICES, namespace(obj), _service_of(obj))
            return service is None or asks_for(annotations_of(service), resource)
        return True

    def _secret_comes_up(self, key: str, obj: Object) -> bool:
        cluster, space, _ = split_key(key)
        holder = self._placed.get(NAMESPACES, make_key(cluster, "", space))
        if obj.get("type") == _CREDENTIALS or ACCOUNT_NAME_ANNOTATION in annotations_of(obj):
            return False
        return holder is not None and asks_for(annotations_of(holder), SECRETS)


def _kept(resource: GroupResource) -> Transform:
    """Of pods only their outline is kept: there are many, and the rest is not brought up."""
    return pod_outline if resource == PODS else drop_managed_fields


def _service_of(obj: Object) -> str:
    """The Service that Endpoints or an EndpointSlice are made for."""
    return labels(obj).get(_SERVICE_LABEL) or name(obj)


def _by_service(obj: Object) -> tuple[str, ...]:
    return (f"{namespace(obj)}/{_service_of(obj)}",)
