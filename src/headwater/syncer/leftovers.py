"""Takes away what choices about tenants have left on the pcluster, after they were taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from headwater.apis.workload.labels import (
    DNS_LABEL,
    ISOLATION_LABEL,
    ISOLATION_POLICY,
    LOCATOR_ANNOTATION,
    WORKSPACE_LABEL,
    dns_id,
)
from headwater.apis.workload.locator import NamespaceLocator
from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.interface import TransportError
from headwater.machinery.conditions import is_true
from headwater.machinery.errors import NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, labels, name, namespace, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.dns.desired import NETWORK_POLICIES, RESOURCES, SERVICES
from headwater.syncer.downstream import BY_NAMESPACE, Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.mutate.dns import address_in
from headwater.syncer.namespaces.mapping import NAMESPACES_GVR
from headwater.syncer.owned import remove
from headwater.telemetry.logging import get_logger

STILL_USED_SECONDS: Final = 10.0
_PODS: Final = GroupVersionResource("", "v1", "pods")
_FINISHED: Final = frozenset({"Succeeded", "Failed"})

log = get_logger("syncer.leftovers")

Spaces = Mapping[str, NamespaceLocator]
"""The namespaces on the pcluster that are ours, with where they come from."""


class Leftovers:
    """Removes tenants' ``policies``, and the resolvers in the namespace ``resolvers_in`` ("" for none).

    Only what carries our label under the very name that we give it goes; a policy only from a namespace that is ours,
    and a resolver only once no pod asks it any more. It ends when nothing is left: nobody makes more.
    """

    def __init__(
        self, *, policies: bool, resolvers_in: str, identity: TargetIdentity, downstream: Downstream, clock: Clock
    ) -> None:
        self._policies = policies
        self._resolvers_in = resolvers_in
        self._identity = identity
        self._downstream = downstream
        self._client = downstream.client
        self._clock = clock
        self._backoff = Backoff(initial=1.0, factor=2.0, maximum=600.0, jitter=0.5)

    async def run(self) -> None:
        """Work until all is gone. Failures, as while rights are missing, are retried with growing pauses."""
        while True:
            try:
                waiting = await self.sweep()
            except (StatusError, TransportError, UnexpectedAnswer, TimeoutError) as error:
                delay = self._backoff.next()
                log.warning("can't remove what is not wanted any more", error=str(error), retry_in=round(delay, 1))
            else:
                if not waiting:
                    log.info("nothing is left of what was taken back")
                    return
                self._backoff.reset()
                delay = STILL_USED_SECONDS
            await self._clock.sleep(delay)

    async def sweep(self) -> bool:
        """Remove what can go now; whether something has to wait. Raises StatusError and TransportError."""
        spaces = await self._spaces()
        if self._policies:
            await self._remove_policies(spaces)
        return bool(self._resolvers_in) and await self._remove_resolvers(spaces)

    async def _spaces(self) -> Spaces:
        """As the pcluster says now."""
        live, _ = await self._client.resource(NAMESPACES_GVR).list_all(
            label_selector=self._identity.downstream_selector, metadata_only=True
        )
        found = (
            (name(each), self._identity.own_locator(annotations_of(each).get(LOCATOR_ANNOTATION))) for each in live
        )
        return {space: locator for space, locator in found if locator is not None and locator.namespace}

    async def _remove_policies(self, spaces: Spaces) -> None:
        marked, _ = await self._client.resource(NETWORK_POLICIES).list_all(
            label_selector=f"{ISOLATION_LABEL}={self._identity.key}"
        )
        for policy in marked:
            if name(policy) == ISOLATION_POLICY and namespace(policy) in spaces:
                log.info("removing policy, as tenants are not isolated any more", namespace=namespace(policy))
                await remove(self._client.resource(NETWORK_POLICIES, namespace(policy)), policy)

    async def _remove_resolvers(self, spaces: Spaces) -> bool:
        """Whether some are still asked."""
        waiting = False
        for cluster, parts in (await self._resolvers()).items():
            address = str(nested(parts.get(SERVICES), "spec", "clusterIP", default=""))
            own = [space for space, locator in spaces.items() if locator.cluster == cluster]
            if address and await self._is_asked(address, own):
                waiting = True
                continue
            log.info("removing resolver, as workspaces have none any more", workspace=cluster)
            for gvr in reversed(RESOURCES):
                if gvr in parts:
                    await remove(self._client.resource(gvr, self._resolvers_in), parts[gvr])
        return waiting

    async def _resolvers(self) -> dict[str, dict[GroupVersionResource, Object]]:
        """What there is of our resolvers, by workspace."""
        found: dict[str, dict[GroupVersionResource, Object]] = {}
        for gvr in RESOURCES:
            try:
                marked, _ = await self._client.resource(gvr, self._resolvers_in).list_all(
                    label_selector=f"{DNS_LABEL}={self._identity.key}"
                )
            except NotFound:
                continue  # A pcluster without this API has none.
            for each in marked:
                cluster = labels(each).get(WORKSPACE_LABEL, "")
                if cluster and name(each) == dns_id(self._identity.name, self._identity.uid, cluster):
                    found.setdefault(cluster, {})[gvr] = each
        return found

    async def _is_asked(self, address: str, spaces: Iterable[str]) -> bool:
        """Whether pods ask a resolver, or will: what runs keeps its DNS until it was replaced or has ended."""
        if not self._downstream.informers.all_synced:
            return True
        for space in spaces:
            if any(address_in(copy) == address and not has_ended(copy) for copy in self._copies(space)):
                return True
            pods, _ = await self._client.resource(_PODS, space).list_all()
            if any(asks(pod, address) for pod in pods):
                return True
        return False

    def _copies(self, space: str) -> Iterator[Object]:
        for resource in self._downstream.informers.resources:
            informer = self._downstream.informers.get(resource)
            if informer is not None:
                yield from filter(self._downstream.is_ours, informer.by_index(BY_NAMESPACE, space))


def asks(pod: Object, address: str) -> bool:
    """Whether a pod that has not ended asks a resolver for names."""
    servers = nested(pod, "spec", "dnsConfig", "nameservers", default=None) or ()
    return address in servers and nested(pod, "status", "phase", default="") not in _FINISHED


def has_ended(copy: Object) -> bool:
    """Whether a copy is a Job that makes no pods any more."""
    return copy.get("kind") == "Job" and (is_true(copy, "Complete") or is_true(copy, "Failed"))
