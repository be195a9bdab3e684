"""A running syncer: finds its SyncTarget, and runs heartbeat, informers and controllers between the two sides."""

from __future__ import annotations

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.syncer.access import Access, Tunneler
from headwater.syncer.access.forward import Forwarder
from headwater.syncer.access.gate import Gate
from headwater.syncer.accounts import Accounts
from headwater.syncer.activity import Activity
from headwater.syncer.capacity.report import CapacityReport
from headwater.syncer.checks import add_checks
from headwater.syncer.credentials.keeper import CredentialKeeper
from headwater.syncer.downstream import Downstream
from headwater.syncer.election import Election
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.namespaces.cleaner import NamespaceCleaner
from headwater.syncer.namespaces.mapping import NAMESPACES, Namespaces
from headwater.syncer.options import SyncerOptions
from headwater.syncer.routing import RoutedParts
from headwater.syncer.schemas import ApiImporter
from headwater.syncer.sides import Sides
from headwater.syncer.spec import SpecSyncer
from headwater.syncer.spec.dnsgate import DnsGate
from headwater.syncer.status import StatusSyncer
from headwater.syncer.target.binding import PClusterBinding
from headwater.syncer.target.find import find_target
from headwater.syncer.target.follow import TargetFollower
from headwater.syncer.target.heartbeat import Heartbeat
from headwater.syncer.target.rewind import Reached, anew_when_it_went_back
from headwater.syncer.tenants import Tenants
from headwater.syncer.traces import SyncTraces
from headwater.syncer.upstream import TransportFor, Upstream
from headwater.syncer.upsync import Upsync
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry
from headwater.telemetry.tracing import OFF, Tracing
from headwater.tunnel.metrics import SessionMetrics

log = get_logger("syncer")


class Agent:
    """Wires the parts of a syncer together. Both sides are given as clients, so that any transport will do.

    ``control_plane`` reaches workspaces by `/clusters/<name>`, ``pcluster`` is a plain API server, and
    ``transport_for`` gives transports to virtual workspace servers. With ``access`` it opens tunnels, with an
    ``election`` it works while it leads. ``credentials`` is there when the syncer keeps its credential itself.
    ``ca_bundle`` is what clients in pods are to trust the control plane by, in PEM.
    """

    def __init__(
        self,
        options: SyncerOptions,
        *,
        control_plane: ClusterClient,
        pcluster: ClusterClient,
        transport_for: TransportFor,
        election: Election | None = None,
        access: Access | None = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
        credentials: CredentialKeeper | None = None,
        ca_bundle: bytes = b"",
        tracing: Tracing = OFF,
    ) -> None:
        self._options, self._ca_bundle = options, ca_bundle
        self._workspace = control_plane.cluster(options.from_cluster)
        self._pcluster = pcluster
        self._transport_for = transport_for
        self._election = election
        self._access = access
        self._clock = clock or SystemClock()
        self._registry = registry or Registry()
        self._activity = Activity(self._clock)
        self._credentials = credentials
        self._tracing = tracing
        self.health = HealthChecks()
        if credentials is not None:
            self.health.add("credentials", lambda: credentials.problem or None)

    async def run(self) -> None:
        """Sync until cancelled. Raises WrongSyncTarget."""
        identity = await find_target(self._workspace, self._options, self._clock)
        election = self._election
        if election is None:
            return await self._work(identity)
        self.health.add("lease", lambda: election.last_error or None)
        return await election.lead(lambda: self._work(identity))

    @anew_when_it_went_back
    async def _work(self, identity: TargetIdentity) -> None:
        log.info("syncing", name=identity.name, cluster=identity.cluster, sync_target=identity.key)
        parts = self._parts(identity)
        sides = parts.sides
        binding = PClusterBinding(
            targets=self._workspace.resource(SYNC_TARGETS), downstream=sides.downstream.client, clock=self._clock
        )
        follower = TargetFollower(
            sides,
            workspace=self._workspace,
            importer=ApiImporter(sides.downstream.client, transport_for=self._transport_for),
            poll_seconds=self._options.api_import_poll_seconds,
            sync=parts.sync,
            follow=parts.upsync.follow,
            brake=parts.spec.brake,
            tunnel=self._options.tunnel,
            isolate_tenants=self._options.isolate_tenants,
            binding=binding,
            credentials=self._credentials,
        )
        heartbeat = Heartbeat(
            identity=identity,
            workspace=self._workspace,
            downstream=self._pcluster.cluster(""),
            activity=self._activity,
            changes=lambda: parts.capacity.changes(follower.status),
            interval_seconds=self._options.heartbeat_seconds,
            clock=self._clock,
            went_back=parts.control_plane_went_back,
            allowed=binding.bound,
            settled=lambda: "allocatable" in follower.status or parts.capacity.settled,
        )
        reached = Reached(
            sides.downstream.client,
            interval_seconds=self._options.heartbeat_seconds,
            clock=self._clock,
            allowed=binding.bound,
        )
        add_checks(
            self.health,
            self._registry,
            heartbeat=heartbeat,
            upstream=sides.upstream,
            downstream=sides.downstream,
            namespaces=sides.namespaces,
            binding=binding,
        )
        async with TaskGroup("syncer") as group:
            if self._access is not None:
                group.start(self._tunneler(sides, self._access, follower, binding).run(), name="tunnels")
            group.start(heartbeat.run(), name="heartbeat")
            group.start(reached.run(), name="rewind")
            group.start(follower.informer.run(), name="synctarget")
            group.start(follower.controller.run(), name="target")
            group.start(sides.downstream.run(), name="downstream")
            group.start(parts.capacity.run(), name="capacity")
            group.start(sides.upstream.run(), name="upstream")
            group.start(parts.spec.controller.run(), name="spec")
            group.start(parts.status.controller.run(), name="status")
            group.start(parts.accounts.controller.run(), name="accounts")
            group.start(parts.cleaner.controller.run(), name="namespaces")
            group.start(parts.upsync.run(), name="upsync")
            parts.tenants.start(group, self.health, parts.spec.revisit_workspace, allowed=binding.bound)

    def _parts(self, identity: TargetIdentity) -> RoutedParts:
        """The parts that hear of changes on both sides, which begin once the informers of these run."""
        options, clock = self._options, self._clock
        downstream = Downstream(
            self._pcluster, identity=identity, changed=lambda *change: parts.downstream_changed(*change), clock=clock
        )
        upstream = Upstream(
            transport_for=self._transport_for, changed=lambda *change: parts.upstream_changed(*change), clock=clock
        )
        sides = Sides(
            identity=identity,
            upstream=upstream,
            downstream=downstream,
            namespaces=Namespaces(downstream, identity),
            activity=self._activity,
            clock=clock,
            registry=self._registry,
        )
        tenants = Tenants(sides, options)
        accounts = Accounts(sides, ca_bundle=self._ca_bundle)
        traces = SyncTraces(self._tracing, identity=identity, clock=clock)
        parts = RoutedParts(
            sides=sides,
            tenants=tenants,
            accounts=accounts,
            spec=SpecSyncer(
                sides,
                accounts=accounts,
                dns=DnsGate(tenants.resolvers, domain=options.cluster_domain, clock=clock),
                brake=options.brake,
                traces=traces,
                workers=options.workers,
            ),
            status=StatusSyncer(sides, traces=traces, workers=max(options.workers // 2, 1)),
            upsync=Upsync(
                sides, transport_for=self._transport_for, pods=options.upsync_pods, events=options.upsync_events
            ),
            cleaner=NamespaceCleaner(
                identity=identity,
                upstream=upstream,
                downstream=downstream,
                namespaces=sides.namespaces,
                delay_seconds=options.namespace_clean_delay_seconds,
                held=lambda: bool(parts.spec.brake.held),
                clock=clock,
                registry=self._registry,
            ),
            capacity=CapacityReport(
                downstream.client,
                is_ours=downstream.owns_namespace,
                ready=lambda: downstream.informers.synced(NAMESPACES),
                clock=clock,
                enabled=options.report_capacity,
            ),
        )
        return parts

    def _tunneler(self, sides: Sides, access: Access, follower: TargetFollower, binding: PClusterBinding) -> Tunneler:
        gate = Gate(identity=sides.identity, namespaces=sides.namespaces, downstream=sides.downstream.client)
        tunneler = Tunneler(
            identity=sides.identity,
            dialer_for=access.dialer_for,
            forwarder=Forwarder(gate=gate, pcluster=access.pcluster),
            clock=self._clock,
            metrics=SessionMetrics(self._registry),
        )

        def follow() -> None:
            tunneler.follow(follower.target if binding.bound.is_set() else None)

        follower.informer.add_handler(lambda *_: follow())
        binding.add_listener(follow)
        self.health.add("tunnel", tunneler.problem)
        return tunneler
