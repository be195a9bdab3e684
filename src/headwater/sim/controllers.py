"""All controllers of one simulated pcluster: its stages, and the Kubernetes controllers that every server has."""

from __future__ import annotations

import asyncio

from headwater.apiserver.authn.tokens import TokenIssuer
from headwater.apiserver.server import LOCAL_CLUSTER
from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.discovery import discover
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer, InformerFactory, ResourceSet
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import Object
from headwater.reconcilers.interface import ControllerContext, Runnable
from headwater.reconcilers.kube.kinds import CUSTOM_RESOURCE_DEFINITIONS
from headwater.reconcilers.kube.table import CONTROLLERS
from headwater.sim.machines import Heartbeats, Scheduler, kubelet_stage, orphan_stage
from headwater.sim.resources import SERVICES
from headwater.sim.stage import Workbench
from headwater.sim.stages.behaviour import Timing
from headwater.sim.workloads import network_stages, storage_stages, workload_stages

_SCOPE = ""
_RETRY_SECONDS = 1.0


class Controllers:
    """Runs everything that acts by itself in a pcluster, through the pcluster's own API."""

    def __init__(
        self,
        client: ClusterClient,
        *,
        clock: Clock,
        network: int,
        timing: Timing,
        issuer: TokenIssuer,
        root_ca: str,
    ) -> None:
        self._client = client
        self._clock = clock
        self._informers = InformerFactory(client, scope=_SCOPE, clock=clock)
        self._resources = ResourceSet(client, scope=_SCOPE, clock=clock)
        bench = Workbench(client.cluster(_SCOPE), self._informers, clock)
        self.services: Informer = bench.view(SERVICES).informer
        self._parts: list[Runnable] = [
            *workload_stages(bench),
            *network_stages(bench, network=network),
            *storage_stages(bench),
            Scheduler(bench).controller,
            kubelet_stage(bench, timing=timing, network=network),
            orphan_stage(bench),
            Heartbeats(bench),
            *self._kube_controllers(issuer, root_ca),
        ]
        self._changed = asyncio.Event()
        self._changed.set()
        self._informers.informer(CUSTOM_RESOURCE_DEFINITIONS).add_handler(self._on_definition)

    @property
    def has_synced(self) -> bool:
        """Whether all informers know what there is."""
        return all(informer.has_synced for informer in self._informers.informers())

    async def run(self) -> None:
        """Run until cancelled."""
        async with TaskGroup("sim controllers") as group:
            group.start(self._informers.run(), name="informers")
            await self._informers.wait_synced()
            # Decisions are only made on complete knowledge: half a list looks like missing pods.
            group.start(self._resources.run(), name="resources")
            group.start(self._follow_discovery(), name="discovery")
            for part in self._parts:
                group.start(part.run(), name=type(part).__name__)

    def _kube_controllers(self, issuer: TokenIssuer, root_ca: str) -> list[Runnable]:
        async def issue_token(_cluster: str, space: str, account: str, uid: str, secret: str, _secret_uid: str) -> str:
            def issue() -> str:
                return issuer.issue_legacy(
                    cluster=LOCAL_CLUSTER, namespace=space, name=account, uid=uid, secret_name=secret
                )

            return await asyncio.get_running_loop().run_in_executor(None, issue)

        context = ControllerContext(
            cluster_client=self._client,
            informers=self._informers,
            clock=self._clock,
            options={"root_ca": root_ca, "issue_token": issue_token, "resources": self._resources},
        )
        return [factory(context) for factory in CONTROLLERS.values()]

    def _on_definition(self, _type: str, _old: Object | None, _new: Object | None) -> None:
        self._changed.set()

    async def _follow_discovery(self) -> None:
        """Keep the garbage collector's resources in step with what is served."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                found = await discover(self._client.cluster(_SCOPE))
            except (StatusError, TransportError):
                self._changed.set()
                await self._clock.sleep(_RETRY_SECONDS)
                continue
            self._resources.sync(found.preferred())
