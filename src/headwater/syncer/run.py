"""Runs a syncer from its settings: connections to both sides, the agent, and its health endpoint."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from headwater.apis.workload.labels import syncer_id
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client import kubeconfig
from headwater.client.connection import ConfigError, ConnectionSettings, in_cluster_settings
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Transport
from headwater.client.transport import NetworkTransport
from headwater.syncer.agent import Agent
from headwater.syncer.election import LEASES, Election
from headwater.syncer.healthserver import HealthServer
from headwater.syncer.options import SyncerOptions
from headwater.syncer.tokenbucket import TokenBucket
from headwater.syncer.upstream import USER_AGENT
from headwater.syncer.writegate import WriteGate
from headwater.telemetry.metrics import Registry


async def run(options: SyncerOptions) -> None:
    """Sync until cancelled. Raises OptionsError, ConfigError and WrongSyncTarget before anything is written."""
    options.check()
    settings, workspace = upstream_settings(options)
    options = replace(options, from_cluster=workspace)
    transports = _Transports(settings)
    pcluster = NetworkTransport(downstream_settings(options))
    registry = Registry()
    clock = SystemClock()
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
        clock=clock,
        registry=registry,
    )
    try:
        async with TaskGroup("syncer process") as group:
            if options.health_address:
                server = HealthServer(options.health_address, health=agent.health, registry=registry)
                group.start(server.run(), name="health")
            await agent.run()
    finally:
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


class _Transports:
    """One transport for each upstream server, with the same credentials for all of them."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._by_origin: dict[str, NetworkTransport] = {}

    def get(self, url: str) -> Transport:
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
        for transport in self._by_origin.values():
            await transport.close()
