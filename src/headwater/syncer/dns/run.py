"""Runs the resolver of one workspace: the ConfigMap, the DNS server and the health endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client import kubeconfig
from headwater.client.connection import in_cluster_settings
from headwater.client.dynamic import ClusterClient
from headwater.client.transport import NetworkTransport
from headwater.syncer.dns.answers import Answers
from headwater.syncer.dns.follow import NamespaceMap
from headwater.syncer.dns.forward import DNS_PORT, Address, Forwarder, nameservers
from headwater.syncer.dns.server import DnsServer
from headwater.syncer.healthserver import HealthServer
from headwater.syncer.options import DEFAULT_CLUSTER_DOMAIN, OptionsError, check_cluster_domain
from headwater.syncer.upstream import USER_AGENT
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

DEFAULT_CLUSTERDEFAULT_PORT: Final = 5353
DEFAULT_PORT: Final = 5353
_RESOLV_CONF: Final = Path("/etc/resolv.conf")

log = get_logger("syncer.dns")


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsOptions:
    """``config_map`` in ``namespace`` of the pcluster has the workspace's namespaces; no kubeconfig means in-cluster.

    ``upstreams`` are the resolvers to ask, as `host` or `host:port`; none means those of /etc/resolv.conf.
    """

    config_map: str
    namespace: str = ""
    kubeconfig: Path | None = None
    context: str = ""
    address: str = "0.0.0.0"  # noqa: S104 - pods of other nodes ask, too; a NetworkPolicy says which
    port: int = DEFAULT_PORT
    upstreams: Sequence[str] = ()
    cluster_domain: str = DEFAULT_CLUSTER_DOMAIN
    health_address: str = ""


async def run(options: DnsOptions, *, clock: Clock | None = None) -> None:
    """Answer until cancelled. Raises OptionsError and ConfigError."""
    check_cluster_domain(options.cluster_domain)
    settings = (
        kubeconfig.load_file(options.kubeconfig).settings(options.context)
        if options.kubeconfig is not None
        else in_cluster_settings()
    )
    servers = resolvers(options.upstreams)
    clock, registry, health = clock or SystemClock(), Registry(), HealthChecks()
    transport = NetworkTransport(settings)
    try:
        namespaces = NamespaceMap(
            ClusterClient(transport, user_agent=USER_AGENT).cluster(""),
            namespace=options.namespace or settings.namespace or "default",
            config_map=options.config_map,
            domain=options.cluster_domain,
            clock=clock,
        )
        answers = Answers(names=lambda: namespaces.current, ask=Forwarder(servers, registry=registry).ask)
        server = DnsServer(options.address, options.port, answer=answers.answer, clock=clock, registry=registry)
        health.add("namespaces", namespaces.problem)
        health.add("listening", lambda: None if server.listening.is_set() else "not listening yet")
        registry.gauge("syncer_dns_namespaces", "Namespaces of the workspace that are resolved.").set_function(
            lambda: len(namespaces.current.down) if namespaces.current is not None else 0
        )
        log.info("resolving", config_map=options.config_map, upstreams=[host for host, _ in servers])
        async with TaskGroup("dns process") as group:
            group.start(namespaces.run(), name="namespaces")
            group.start(server.run(), name="server")
            if options.health_address:
                endpoint = HealthServer(options.health_address, health=health, registry=registry)
                await endpoint.listen()
                group.start(endpoint.run(), name="health")
    finally:
        await transport.close()


def resolvers(upstreams: Sequence[str], resolv_conf: Path = _RESOLV_CONF) -> list[Address]:
    """The resolvers to ask. Raises OptionsError when there are none, or one is not understood."""
    if upstreams:
        return [_address(each) for each in upstreams]
    try:
        found = nameservers(resolv_conf.read_text(errors="replace"))
    except OSError as error:
        raise OptionsError(f"can't read {resolv_conf}: {error.strerror}; name a resolver with --upstream") from error
    if not found:
        raise OptionsError(f"{resolv_conf} has no nameserver; name one with --upstream")
    return found


def _address(text: str) -> Address:
    """`10.96.0.10`, `10.96.0.10:53`, `fd00::10` or `[fd00::10]:53`."""
    host, port = text, str(DNS_PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise OptionsError(f"--upstream {text!r} is not host or host:port")
    return host, int(port)
