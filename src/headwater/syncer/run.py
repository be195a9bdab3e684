"""Runs a syncer from its settings: connections to both sides, the agent, and its health endpoint."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from headwater.base.clock import SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client import kubeconfig
from headwater.client.connection import ConfigError, ConnectionSettings, in_cluster_settings
from headwater.client.dynamic import ClusterClient
from headwater.client.transport import NetworkTransport
from headwater.syncer.access import Access
from headwater.syncer.agent import Agent
from headwater.syncer.healthserver import HealthServer
from headwater.syncer.options import SyncerOptions
from headwater.syncer.upstream import USER_AGENT
from headwater.telemetry.metrics import Registry


async def run(options: SyncerOptions) -> None:
    """Sync until cancelled. Raises OptionsError, ConfigError and WrongSyncTarget before anything is written."""
    options.check()
    settings, workspace = upstream_settings(options)
    options = replace(options, from_cluster=workspace)
    transports = _Transports(settings)
    pcluster = NetworkTransport(downstream_settings(options))
    registry = Registry()
    agent = Agent(
        options,
        control_plane=ClusterClient(transports.get(settings.server), user_agent=USER_AGENT),
        pcluster=ClusterClient(pcluster, user_agent=USER_AGENT),
        transport_for=transports.get,
        access=Access(dialer_for=transports.get, pcluster=pcluster) if options.tunnel else None,
        clock=SystemClock(),
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


class _Transports:
    """One transport for each upstream server, with the same credentials for all of them."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._by_origin: dict[str, NetworkTransport] = {}

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
        for transport in self._by_origin.values():
            await transport.close()
