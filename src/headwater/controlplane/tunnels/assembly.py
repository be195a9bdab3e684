"""The control plane's side of tunnels put together."""

from __future__ import annotations

from headwater.apis.sync.v1alpha1.synctarget import GROUP as SYNC_GROUP
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.filters.chain import ChainSettings, build_recheck
from headwater.apiserver.resources import Connectors
from headwater.controlplane.tunnels.opening import TunnelOpening
from headwater.controlplane.tunnels.pods import PodAccess, PodConnection
from headwater.controlplane.tunnels.rechecks import Rechecks
from headwater.controlplane.tunnels.registry import TunnelRegistry
from headwater.tunnel.messages import SUBRESOURCES
from headwater.tunnel.metrics import SessionMetrics


class Tunnels:
    """`connectors` go into the API server whose filters these are, and `run` belongs to its background."""

    def __init__(self, filters: ChainSettings) -> None:
        self.registry = TunnelRegistry()
        self._rechecks = Rechecks(filters.clock)
        recheck = build_recheck(filters)
        opening = TunnelOpening(
            tunnels=self.registry,
            rechecks=self._rechecks,
            recheck=recheck,
            clock=filters.clock,
            metrics=SessionMetrics(filters.metrics),
        )
        access = PodAccess(
            tunnels=self.registry, rechecks=self._rechecks, recheck=recheck, authorizer=filters.authorizer
        )
        self.connectors: Connectors = {
            (SYNC_GROUP, SYNC_TARGETS.resource, "tunnel"): opening,
            **{("", "pods", name): PodConnection(name, access) for name in SUBRESOURCES},
        }

    async def run(self) -> None:
        """End what may not go on, until cancelled."""
        await self._rechecks.run()
