"""A running syncer: finds its SyncTarget, and runs heartbeat, informers and controllers between the two sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer.indexes import BY_NAMESPACE, namespace_index_value
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, labels, name, object_key
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
from headwater.syncer.identity import TargetIdentity, item_of
from headwater.syncer.namespaces.cleaner import NamespaceCleaner
from headwater.syncer.namespaces.mapping import NAMESPACES, Namespaces
from headwater.syncer.options import SyncerOptions
from headwater.syncer.schemas import ApiImporter
from headwater.syncer.sides import Sides
from headwater.syncer.spec import SpecSyncer
from headwater.syncer.spec.dnsgate import DnsGate
from headwater.syncer.spec.signs import RESTORED
from headwater.syncer.status import StatusSyncer
from headwater.syncer.target.binding import PClusterBinding
from headwater.syncer.target.find import find_target
from headwater.syncer.target.follow import TargetFollower
from headwater.syncer.target.heartbeat import Heartbeat
from headwater.syncer.target.rewind import anew_when_it_went_back
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
        self._sides = sides = self._sides_for(identity)
        self._wire(sides)
        self._binding = binding = PClusterBinding(
            targets=self._workspace.resource(SYNC_TARGETS), downstream=sides.downstream.client, clock=self._clock
        )
        follower = TargetFollower(
            sides,
            workspace=self._workspace,
            importer=ApiImporter(sides.downstream.client, transport_for=self._transport_for),
            poll_seconds=self._options.api_import_poll_seconds,
            sync=self._sync,
            follow=self._upsync.follow,
            brake=self._spec.brake,
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
            changes=lambda: self._capacity.changes(follower.status),
            interval_seconds=self._options.heartbeat_seconds,
            clock=self._clock,
            went_back=lambda: self._spec.brake.hold(RESTORED, behind=True),
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
                group.start(self._tunneler(sides, self._access, follower).run(), name="tunnels")
            group.start(heartbeat.run(), name="heartbeat")
            group.start(follower.informer.run(), name="synctarget")
            group.start(follower.controller.run(), name="target")
            group.start(sides.downstream.run(), name="downstream")
            group.start(self._capacity.run(), name="capacity")
            group.start(sides.upstream.run(), name="upstream")
            group.start(self._spec.controller.run(), name="spec")
            group.start(self._status.controller.run(), name="status")
            group.start(self._accounts.controller.run(), name="accounts")
            group.start(self._cleaner.controller.run(), name="namespaces")
            group.start(self._upsync.run(), name="upsync")
            self._tenants.start(group, self.health, self._spec.revisit_workspace, allowed=binding.bound)

    def _sides_for(self, identity: TargetIdentity) -> Sides:
        downstream = Downstream(self._pcluster, identity=identity, changed=self._downstream_changed, clock=self._clock)
        upstream = Upstream(transport_for=self._transport_for, changed=self._upstream_changed, clock=self._clock)
        return Sides(
            identity=identity,
            upstream=upstream,
            downstream=downstream,
            namespaces=Namespaces(downstream, identity),
            activity=self._activity,
            clock=self._clock,
            registry=self._registry,
        )

    def _wire(self, sides: Sides) -> None:
        """Make the parts that hear of changes on both sides."""
        options = self._options
        self._tenants = Tenants(sides, options)
        self._accounts = Accounts(sides, ca_bundle=self._ca_bundle)
        traces = SyncTraces(self._tracing, identity=sides.identity, clock=sides.clock)
        self._spec = SpecSyncer(
            sides,
            accounts=self._accounts,
            dns=DnsGate(self._tenants.resolvers, domain=options.cluster_domain, clock=sides.clock),
            brake=options.brake,
            traces=traces,
            workers=options.workers,
        )
        self._status = StatusSyncer(sides, traces=traces, workers=max(options.workers // 2, 1))
        self._upsync = Upsync(
            sides, transport_for=self._transport_for, pods=options.upsync_pods, events=options.upsync_events
        )
        self._cleaner = NamespaceCleaner(
            identity=sides.identity,
            upstream=sides.upstream,
            downstream=sides.downstream,
            namespaces=sides.namespaces,
            delay_seconds=options.namespace_clean_delay_seconds,
            clock=sides.clock,
            registry=sides.registry,
        )
        self._capacity = CapacityReport(
            sides.downstream.client,
            is_ours=sides.downstream.owns_namespace,
            ready=lambda: sides.downstream.informers.synced(NAMESPACES),
            clock=sides.clock,
            enabled=options.report_capacity,
        )

    def _tunneler(self, sides: Sides, access: Access, follower: TargetFollower) -> Tunneler:
        gate = Gate(identity=sides.identity, namespaces=sides.namespaces, downstream=sides.downstream.client)
        tunneler = Tunneler(
            identity=sides.identity,
            dialer_for=access.dialer_for,
            forwarder=Forwarder(gate=gate, pcluster=access.pcluster),
            clock=self._clock,
            metrics=SessionMetrics(self._registry),
        )

        def follow() -> None:
            tunneler.follow(follower.target if self._binding.bound.is_set() else None)

        follower.informer.add_handler(lambda *_: follow())
        self._binding.add_listener(follow)
        self.health.add("tunnel", tunneler.problem)
        return tunneler

    def _sync(self, urls: Sequence[str], wanted: Mapping[GroupResource, GroupVersionResource]) -> None:
        self._sides.downstream.sync(wanted)
        self._sides.upstream.sync(urls, wanted)
        if not urls:
            self._upsync.stop()

    def _upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        if resource == NAMESPACES:
            obj = new or old
            if obj is not None:
                self._cleaner.upstream_changed(object_key(obj), new)
                self._upsync.placed_namespace_changed(obj)
            return
        self._accounts.upstream_changed(resource, old, new)
        self._spec.upstream_changed(resource, old, new)
        self._status.upstream_changed(resource, old, new)

    def _downstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        if resource == NAMESPACES:
            self._sides.namespaces.changed(old, new)
            self._cleaner.downstream_changed(old, new)
            self._tenants.namespace_changed(old, new)
            self._capacity.namespace_changed(name(new or old or {}))
            self._revisit_namespace(old, new)
            self._upsync.namespace_changed(old, new)
            return
        self._upsync.copy_changed(resource, new or old)
        self._accounts.downstream_changed(resource, old, new)
        self._spec.downstream_changed(resource, old, new)
        self._status.downstream_changed(resource, old, new)

    def _revisit_namespace(self, old: Object | None, new: Object | None) -> None:
        """One that comes may let copies be told apart at last; one that goes has to come back, as have its labels."""
        obj = new or old
        if obj is None or (old is not None and new is not None and labels(old) == labels(new)):
            return
        locator = self._sides.namespaces.locator_from(obj)
        if locator is None or not locator.namespace:
            return
        value = namespace_index_value(locator.cluster, locator.namespace)
        for synced in self._sides.downstream.informers.resources:
            for informer in self._sides.upstream.informers(synced):
                for key in informer.index_keys(BY_NAMESPACE, value):
                    self._spec.controller.enqueue(item_of(synced, key))
                    self._status.controller.enqueue(item_of(synced, key))
        if new is not None:
            self._spec.revisit(name(new))
            self._accounts.revisit(name(new))
