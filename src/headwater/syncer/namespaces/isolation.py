"""Keeps a network policy in every downstream namespace, so that tenants of a pcluster don't reach each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.apis.workload.labels import ISOLATION_LABEL, ISOLATION_POLICY, TENANT_LABEL
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.informer import Informer
from headwater.controller import Controller, Result
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, deletion_timestamp, labels, name, namespace
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.informers import reconnect
from headwater.syncer.namespaces.mapping import NamespaceCollision, Namespaces, NamespaceTerminating
from headwater.syncer.namespaces.policy import isolation_policy
from headwater.syncer.owned import bring
from headwater.telemetry.metrics import Registry

NETWORK_POLICIES: Final = GroupVersionResource("networking.k8s.io", "v1", "networkpolicies")
_NOT_SYNCED_SECONDS: Final = 0.5
_COLLISION_SECONDS: Final = 60.0


class TenantIsolation:
    """A controller with downstream namespaces as keys. The label by which policies know a tenant is kept, too."""

    def __init__(
        self,
        *,
        identity: TargetIdentity,
        downstream: Downstream,
        namespaces: Namespaces,
        pod_cidrs: Sequence[str],
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._identity = identity
        self._client = downstream.client
        self._namespaces = namespaces
        self._pod_cidrs = pod_cidrs
        self.informer = Informer(
            self._client.resource(NETWORK_POLICIES),
            name="isolation",
            clustered=False,
            label_selector=f"{ISOLATION_LABEL}={identity.key}",
            clock=clock,
            backoff=reconnect(),
        )
        self.controller = Controller(
            "syncer-isolation", reconcile=self.reconcile, workers=2, clock=clock, registry=registry
        )
        self.informer.add_handler(lambda _, old, new: self.controller.enqueue(namespace(new or old or {})))

    def problem(self) -> str | None:
        """What keeps the policies from being looked after."""
        return self.informer.last_error or None

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a downstream namespace that comes, or whose labels change."""
        if new is not None and (old is None or labels(old) != labels(new)):
            self.controller.enqueue(name(new))

    async def run(self) -> None:
        """Work until cancelled."""
        async with TaskGroup("isolation") as group:
            group.start(self.informer.run(), name="policies")
            group.start(self.controller.run(), name="controller")

    async def reconcile(self, space: str) -> Result | None:
        """Bring the policy of one namespace to what it should be. Raises StatusError and TransportError."""
        seen = self._namespaces.get(space)
        locator = self._namespaces.locator_of(space)
        if seen is None or locator is None or not locator.namespace or deletion_timestamp(seen):
            return None
        if not self.informer.has_synced:
            return Result(requeue_after_seconds=_NOT_SYNCED_SECONDS)
        tenant = locator.tenant_id()
        if labels(seen).get(TENANT_LABEL) != tenant:
            try:
                await self._namespaces.ensure(locator.cluster, locator.namespace)
            except (NamespaceCollision, NamespaceTerminating):
                return Result(requeue_after_seconds=_COLLISION_SECONDS)
        wanted = isolation_policy(space, tenant=tenant, key=self._identity.key, pod_cidrs=self._pod_cidrs)
        policy = self.informer.get(f"{space}/{ISOLATION_POLICY}")
        await bring(self._client.resource(NETWORK_POLICIES, space), policy, wanted)
        return None
