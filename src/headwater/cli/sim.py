"""`headwater sim`: run simulated pclusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.failure import CommandFailed
from headwater.cli.logs import log_options

if TYPE_CHECKING:
    from headwater.sim.fleet import Fleet


@click.command(help="Run simulated pclusters: real API servers, no containers.")
@click.option("--name", "names", multiple=True, default=("east", "west"), show_default=True,
              help="Name of a pcluster; may be repeated.")  # fmt: skip
@click.option("--root-directory", type=click.Path(path_type=Path), default=Path(".headwater-sim"), show_default=True,
              help="Where each pcluster keeps its state; <name>.kubeconfig is written there.")  # fmt: skip
@click.option("--bind-address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--first-port", type=click.IntRange(0, 65535), default=0, show_default=True,
              help="Port of the first pcluster, others follow; 0 keeps the last ports or takes free ones.")  # fmt: skip
@click.option("--nodes", type=int, default=3, show_default=True, help="Nodes of each pcluster.")
@click.option("--node-cpu", default="", help="Cores of a node, such as 8 or 500m; 8 by default.")
@click.option("--node-memory", default="", help="Memory of a node, such as 32Gi; 32Gi by default.")
@click.option("--node-capacity", multiple=True,
              help="Capacity of a node in any resource, such as nvidia.com/gpu=2; may be repeated.")  # fmt: skip
@click.option("--node-label", multiple=True, help="Label of all nodes, as key=value; may be repeated.")
@click.option("--in-memory", is_flag=True, help="Keep no state: every start is a new pcluster.")
@log_options
def sim(
    names: tuple[str, ...],
    root_directory: Path,
    bind_address: str,
    first_port: int,
    nodes: int,
    node_cpu: str,
    node_memory: str,
    node_capacity: tuple[str, ...],
    node_label: tuple[str, ...],
    in_memory: bool,
) -> None:
    """Put the flags into options, and run until told to stop."""
    from headwater.base.loop import run_service
    from headwater.client.connection import ConfigError
    from headwater.sim.fleet import FleetOptions, StartError
    from headwater.sim.run import run

    sizes = {resource: size for resource, size in (("cpu", node_cpu), ("memory", node_memory)) if size}
    options = FleetOptions(
        names=names,
        root_directory=root_directory,
        host=bind_address,
        first_port=first_port,
        nodes=nodes,
        capacity={**_pairs(node_capacity, "--node-capacity"), **sizes},
        node_labels=_pairs(node_label, "--node-label"),
        kubeconfig_directory=root_directory,
        in_memory=in_memory,
    )
    try:
        run_service(run(options, on_ready=_announce))
    except (StartError, ConfigError) as error:
        raise CommandFailed(str(error)) from error


def _pairs(texts: tuple[str, ...], flag: str) -> dict[str, str]:
    pairs = {}
    for text in (part for each in texts for part in each.split(",") if part):
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise CommandFailed(f"{flag} {text!r} is not in the format of key=value")
        pairs[key] = value
    return pairs


def _announce(fleet: Fleet) -> None:
    for pcluster in fleet.pclusters:
        click.echo(
            f"simulated pcluster {pcluster.name} is ready: kubectl --kubeconfig {pcluster.kubeconfig_path} get nodes"
        )
