"""Runs a syncer from its settings: connections to both sides, the agent, and its health endpoint."""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from headwater.apis.sync.v1alpha1.credentials import bootstrap_identity
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity
from headwater.apis.workload.labels import syncer_id
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client import kubeconfig
from headwater.client.connection import ConfigError, ConnectionSettings, in_cluster_settings
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Transport
from headwater.client.transport import NetworkTransport
from headwater.syncer.access import Access
from headwater.syncer.agent import Agent
from headwater.syncer.credentials.held import HeldToken
from headwater.syncer.credentials.keeper import CredentialKeeper
from headwater.syncer.credentials.requests import HubRequests
from headwater.syncer.credentials.stores import CredentialStore, FileStore, SecretStore
from headwater.syncer.election import LEASES, Election
from headwater.syncer.healthserver import HealthServer
from headwater.syncer.options import SyncerOptions
from headwater.syncer.tokenbucket import TokenBucket
from headwater.syncer.upstream import USER_AGENT
from headwater.syncer.writegate import WriteGate
from headwater.telemetry.metrics import Registry
from headwater.telemetry.tracing import Tracing, open_tracing


async def run(options: SyncerOptions, *, clock: Clock | None = None, tracing: Tracing | None = None) -> None:
    """Sync until cancelled.

    Raises OptionsError, ConfigError, TracingError and WrongSyncTarget before anything is written.
    """
    options.check()
    tracing = tracing or open_tracing("headwater-syncer", options.otlp_endpoint)
    settings, workspace = upstream_settings(options)
    below = downstream_settings(options)
    own_namespace = options.own_namespace or options.lease_namespace or below.namespace
    options = replace(options, from_cluster=workspace, own_namespace=own_namespace)
    pcluster = NetworkTransport(below)
    registry, clock = Registry(), clock or SystemClock()
    keeper: CredentialKeeper | None = None
    if bootstrap_identity(settings.token) is not None:
        held = HeldToken()
        transports = _Transports(replace(settings, token="", token_source=held))
        # Every replica looks after the credential, whether it leads or not, so this passes no gate.
        store = _store(options, ClusterClient(pcluster, user_agent=USER_AGENT), below.namespace)
        keeper = _keeper(options, transports, held, store, clock, registry)
    else:
        transports = _Transports(settings)
    election = _election(options, pcluster, clock, registry)
    gates = _Gates(options, (lambda: election.valid) if election is not None else (lambda: True), clock, registry)

    def upstream(url: str) -> Transport:
        return gates.before(transports.get(url), "upstream")

    agent = Agent(
        options,
        control_plane=ClusterClient(upstream(settings.server), user_agent=USER_AGENT),
        pcluster=ClusterClient(gates.before(pcluster, "downstream"), user_agent=USER_AGENT),
        transport_for=upstream,
        election=election,
        access=Access(dialer_for=transports.get, pcluster=pcluster) if options.tunnel else None,
        clock=clock,
        registry=registry,
        credentials=keeper,
        ca_bundle=trusted_by(settings),
        tracing=tracing,
    )
    try:
        async with TaskGroup("syncer process") as group:
            if options.health_address:
                server = HealthServer(options.health_address, health=agent.health, registry=registry)
                await server.listen()
                group.start(server.run(), name="health")
            if keeper is not None:
                await keeper.obtain()
                group.start(keeper.run(), name="credentials")
            await agent.run()
    finally:
        await tracing.close()
        await transports.close()
        await pcluster.close()


def upstream_settings(options: SyncerOptions) -> tuple[ConnectionSettings, str]:
    """Connection to the control plane without a workspace in its URL, and the workspace of the SyncTarget.

    Raises ConfigError when neither the options nor the URL name a workspace.
    """
    settings = kubeconfig.load_file(options.from_kubeconfig).settings(options.from_context)
    server, _, path = settings.server.partition("/clusters/")
    workspace = options.from_cluster or path.strip("/")
    if not workspace:
        raise ConfigError("--from-cluster is required, as the kubeconfig's server URL names no workspace")
    return replace(settings, server=server), workspace


def trusted_by(settings: ConnectionSettings) -> bytes:
    """What we trust the control plane by, and clients in pods are to, in PEM; nothing when everything is trusted."""
    if settings.ca_data or settings.insecure_skip_tls_verify:
        return settings.ca_data
    store = ssl.get_default_verify_paths().cafile
    return Path(store).read_bytes() if store else b""


def downstream_settings(options: SyncerOptions) -> ConnectionSettings:
    """Connection to the pcluster: the given kubeconfig, or that of the pod we run in. Raises ConfigError."""
    if options.to_kubeconfig is None:
        return in_cluster_settings()
    return kubeconfig.load_file(options.to_kubeconfig).settings(options.to_context)


def _election(options: SyncerOptions, pcluster: NetworkTransport, clock: Clock, registry: Registry) -> Election | None:
    """The election among the syncers of this SyncTarget; its own requests pass no gate."""
    if not options.lease_namespace:
        return None
    client = ClusterClient(pcluster, user_agent=USER_AGENT).cluster("")
    return Election(
        client.resource(LEASES, options.lease_namespace),
        lease_name=syncer_id(options.sync_target_name, options.sync_target_uid),
        holder=f"{socket.gethostname()}_{uuid.uuid4()}",
        clock=clock,
        registry=registry,
    )


class _Gates:
    """The gates in front of all transports; those of one side share its rate."""

    def __init__(self, options: SyncerOptions, may_write: Callable[[], bool], clock: Clock, registry: Registry) -> None:
        self._may_write, self._clock, self._registry = may_write, clock, registry
        self._buckets = {
            side: TokenBucket(qps=options.qps, burst=options.burst, clock=clock) for side in ("upstream", "downstream")
        }

    def before(self, transport: Transport, side: str) -> WriteGate:
        """A transport behind a gate."""
        return WriteGate(
            transport,
            side=side,
            may_write=self._may_write,
            bucket=self._buckets[side],
            clock=self._clock,
            registry=self._registry,
        )


def _keeper(
    options: SyncerOptions,
    transports: _Transports,
    held: HeldToken,
    store: CredentialStore,
    clock: Clock,
    registry: Registry,
) -> CredentialKeeper:
    """Who looks after the credential, starting from the kubeconfig's bootstrap token, and from any that comes there."""

    def bootstrap() -> str:
        try:
            token = upstream_settings(options)[0].token
        except ConfigError:
            # The file may be in the middle of its replacement; there is another look soon.
            return ""
        return token if bootstrap_identity(token) is not None else ""

    identity = bootstrap_identity(bootstrap())
    cluster = identity.cluster if identity is not None else options.from_cluster
    requests = HubRequests(
        SyncerIdentity(cluster, options.sync_target_name, options.sync_target_uid),
        anonymous=transports.without_credentials(),
        own=transports.get(transports.server),
        user_agent=USER_AGENT,
    )
    seconds = round(options.credential_hours * 3600)
    return CredentialKeeper(
        held=held,
        requests=requests,
        store=store,
        bootstrap=bootstrap,
        clock=clock,
        registry=registry,
        lifetime_seconds=seconds,
    )


def _store(options: SyncerOptions, pcluster: ClusterClient, namespace: str) -> CredentialStore:
    """Where the credential is kept: in a Secret, by default in ``namespace``, or in a directory."""
    uid = options.sync_target_uid
    if options.credentials_secret:
        space, _, name = options.credentials_secret.rpartition("/")
        return SecretStore(pcluster.cluster(""), namespace=space or namespace, name=name, sync_target_uid=uid)
    beside = options.from_kubeconfig.with_name(f"{options.from_kubeconfig.name}.credentials")
    return FileStore(options.credentials_dir or beside, uid)


class _Transports:
    """One transport for each upstream server, with the same credentials for all of them."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._by_origin: dict[str, NetworkTransport] = {}
        self._others: list[NetworkTransport] = []

    @property
    def server(self) -> str:
        """URL of the control plane."""
        return self._settings.server

    def without_credentials(self) -> NetworkTransport:
        """A transport to the control plane for somebody who is not known there yet."""
        stranger = replace(self._settings, token_source=None, token_file=None, username="", client_certificate_data=b"")
        self._others.append(NetworkTransport(stranger))
        return self._others[-1]

    def get(self, url: str) -> NetworkTransport:
        """The transport to the server of a URL. Raises ConfigError for one that would get credentials in clear."""
        parts = urlsplit(url)
        own = urlsplit(self._settings.server)
        if own.scheme == "https" and parts.scheme != "https":
            raise ConfigError(f"virtual workspace {url} is not served over https")
        origin = f"{parts.scheme}://{parts.netloc}"
        transport = self._by_origin.get(origin)
        if transport is None:
            transport = self._by_origin[origin] = NetworkTransport(replace(self._settings, server=origin))
        return transport

    async def close(self) -> None:
        """Close all connections."""
        for transport in (*self._by_origin.values(), *self._others):
            await transport.close()
