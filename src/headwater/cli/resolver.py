"""`headwater syncer dns`: run the resolver of one workspace on a pcluster."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.failure import CommandFailed
from headwater.cli.logs import log_options


@click.command(
    help="Run the resolver of one workspace on a pcluster; a syncer with --dns-image deploys it. It answers for the "
    "namespaces of its workspace alone, under their names there, and passes on what is not in the cluster domain."
)
@click.option("--configmap", "config_map", required=True,
              help="ConfigMap with the workspace's namespaces and their names on the pcluster.")  # fmt: skip
@click.option("--namespace", default="", help="Its namespace; that of the pod or the kubeconfig by default.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig of the pcluster; in-cluster by default."
)
@click.option("--context", default="", help="Its context; the current one by default.")
@click.option("--address", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104
@click.option("--port", type=click.IntRange(0, 65535), default=5353, show_default=True,
              help="UDP and TCP port to listen on.")  # fmt: skip
@click.option("--upstream", "upstreams", multiple=True, metavar="HOST[:PORT]",
              help="Resolver of the pcluster; those of /etc/resolv.conf by default. May be repeated.")  # fmt: skip
@click.option("--cluster-domain", default="cluster.local", show_default=True, help="DNS domain of the pcluster.")
@click.option("--health-address", default="", help="host:port for /healthz, /readyz and /metrics; none by default.")
@log_options
def resolver(
    config_map: str,
    namespace: str,
    kubeconfig: Path | None,
    context: str,
    address: str,
    port: int,
    upstreams: tuple[str, ...],
    cluster_domain: str,
    health_address: str,
) -> None:
    """Check the settings, then answer until told to stop."""
    from headwater.base.loop import run_service
    from headwater.client.connection import ConfigError
    from headwater.syncer.dns.run import DnsOptions, run
    from headwater.syncer.options import OptionsError

    options = DnsOptions(
        config_map=config_map,
        namespace=namespace,
        kubeconfig=kubeconfig,
        context=context,
        address=address,
        port=port,
        upstreams=upstreams,
        cluster_domain=cluster_domain,
        health_address=health_address,
    )
    try:
        run_service(run(options))
    except (OptionsError, ConfigError) as error:
        raise CommandFailed(str(error)) from error
