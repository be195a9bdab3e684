"""`headwater start`: run a control plane."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.logs import log_options
from headwater.cli.ranges import FiniteRange


@click.command(help="Run a control plane: API server, virtual workspaces and controllers in one process.")
@click.option("--root-directory", type=click.Path(path_type=Path), default=Path(".headwater"), show_default=True,
              help="Where keys, kubeconfig and the store are kept.")  # fmt: skip
@click.option("--store", default="", help="Store URL, such as sqlite:///PATH; a file in the root directory by default.")
@click.option("--bind-address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--secure-port", type=click.IntRange(0, 65535), default=6443, show_default=True, help="HTTPS port; 0 for any."
)
@click.option("--external-hostname", default="", help="Name under which others reach this server.")
@click.option("--kubeconfig-path", type=click.Path(path_type=Path), help="Where to write admin.kubeconfig.")
@click.option("--token-auth-file", type=click.Path(path_type=Path), help='CSV file: token,user,uid,"group1,group2".')
@click.option(
    "--client-ca-file", type=click.Path(path_type=Path), help="Another CA whose client certificates are trusted."
)
@click.option("--audit-log-path", type=click.Path(path_type=Path), help="File for audit events; none by default.")
@click.option("--sync-target-heartbeat-threshold", type=FiniteRange(2, 86400), default=60.0, show_default=True,
              help="Seconds without heartbeat after which a SyncTarget is not ready.")  # fmt: skip
@click.option("--move-rate", type=FiniteRange(min=0, min_open=True), default=20.0, show_default=True,
              help="Workloads that may begin to move to another pcluster in a second.")  # fmt: skip
@click.option("--move-burst", type=click.IntRange(min=1), default=100, show_default=True,
              help="Workloads that may begin to move at once after a quiet time.")  # fmt: skip
@click.option("--run-controllers/--no-run-controllers", default=True, help="Whether controllers run in this process.")
@click.option("--run-virtual-workspaces/--no-run-virtual-workspaces", default=True,
              help="Whether virtual workspaces are served.")  # fmt: skip
@click.option("--otlp-endpoint", default="", metavar="URL",
              help="Collector that traces are sent to by OTLP over HTTP; by default what "
              "OTEL_EXPORTER_OTLP_ENDPOINT says, else none.")  # fmt: skip
@click.option("--shutdown-grace-period", type=FiniteRange(min=0), default=5.0, show_default=True,
              help="Seconds that requests get to finish after SIGTERM.")  # fmt: skip
@log_options
def start(
    root_directory: Path,
    store: str,
    bind_address: str,
    secure_port: int,
    external_hostname: str,
    kubeconfig_path: Path | None,
    token_auth_file: Path | None,
    client_ca_file: Path | None,
    audit_log_path: Path | None,
    otlp_endpoint: str,
    sync_target_heartbeat_threshold: float,
    move_rate: float,
    move_burst: int,
    run_controllers: bool,
    run_virtual_workspaces: bool,
    shutdown_grace_period: float,
) -> None:
    """Put the flags into options, and run until told to stop."""
    from headwater.base.loop import run as run_loop
    from headwater.server.options import AuthenticationOptions, ControllerOptions, Options, ServingOptions
    from headwater.server.run import run

    options = Options(
        root_directory=root_directory,
        store=store,
        kubeconfig=kubeconfig_path,
        audit_log=audit_log_path,
        otlp_endpoint=otlp_endpoint,
        serving=ServingOptions(
            bind_address=bind_address,
            secure_port=secure_port,
            external_hostname=external_hostname,
            shutdown_grace_seconds=shutdown_grace_period,
        ),
        authentication=AuthenticationOptions(token_auth_file=token_auth_file, client_ca_file=client_ca_file),
        controllers=ControllerOptions(
            run_controllers=run_controllers,
            run_virtual_workspaces=run_virtual_workspaces,
            heartbeat_threshold_seconds=sync_target_heartbeat_threshold,
            move_rate=move_rate,
            move_burst=move_burst,
        ),
    )
    raise click.exceptions.Exit(run_loop(run(options)))
